"""The example that the language is introduced with."""

INTRODUCTION = """\
# ResNet-18 for 32×32 images (He et al. 2016, section 4.2)
param classes = 10
input 3x32x32

block basic(c, stride=1) {
  residual {
    conv c k3 s=stride p1 nobias -> bn -> relu
    conv c k3 p1 nobias -> bn
  } shortcut auto
  relu
}

conv 64 k3 p1 nobias -> bn -> relu      :: 64x32x32
basic 64 x2
basic 128 s2 -> basic 128
basic 256 s2 -> basic 256
basic 512 s2 -> basic 512               :: 512x4x4
gap -> flatten -> linear classes

budget params <= 12M
train { epochs 30 ; batch 128 ; optimizer sgd lr=0.1 momentum=0.9 }
"""
