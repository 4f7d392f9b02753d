"""Spellings from torch, Keras and Darknet, and the words that they become here."""

from __future__ import annotations

LAYER_SPELLINGS = {
    "conv": "conv1d conv2d conv3d convolution convolutional convolution2d conv_2d",
    "dwconv": "depthwiseconv2d depthwise_conv",
    "convtranspose": "convtranspose1d convtranspose2d convtranspose3d conv2dtranspose deconv deconvolutional",
    "maxpool": "maxpool1d maxpool2d maxpool3d maxpooling1d maxpooling2d maxpooling3d maxpooling max_pool2d max_pool "
    "pool pooling",
    "avgpool": "avgpool1d avgpool2d avgpool3d averagepooling1d averagepooling2d averagepooling3d averagepooling "
    "averagepool avg_pool2d avg_pool",
    "adaptiveavgpool": "adaptiveavgpool1d adaptiveavgpool2d adaptiveavgpool3d adaptive_avg_pool2d",
    "adaptivemaxpool": "adaptivemaxpool1d adaptivemaxpool2d adaptivemaxpool3d",
    "gap": "globalaveragepooling1d globalaveragepooling2d globalavgpool globalavgpool2d global_avg_pool globalpool",
    "gmp": "globalmaxpooling2d globalmaxpool globalmaxpool2d globalmaxpooling1d",
    "linear": "fc dense fullyconnected fully_connected connected innerproduct affine",
    "bn": "batchnorm batchnorm1d batchnorm2d batchnorm3d batchnormalization batch_norm batch_normalize",
    "groupnorm": "groupnormalization gn group_norm",
    "instancenorm": "instancenorm1d instancenorm2d instancenorm3d instance_norm",
    "layernorm": "layernormalization ln layer_norm",
    "lrn": "localresponsenorm local_response_norm",
    "leakyrelu": "leaky leaky_relu lrelu",
    "silu": "swish",
    "logsoftmax": "log_softmax",
    "dropout": "dropout1d alphadropout",
    "dropout2d": "dropout3d spatialdropout2d",
    "droppath": "drop_path stochasticdepth stochastic_depth",
    "flatten": "reshape view ravel",
    "pad": "zeropad2d zeropadding2d reflectionpad2d replicationpad2d circularpad2d",
    "upsample": "upsampling2d interpolate upsamplingnearest2d upsamplingbilinear2d",
    "pixelshuffle": "pixel_shuffle depth_to_space",
    "channelshuffle": "channel_shuffle",
    "id": "identity noop",
    "concat": "concatenate cat route",
    "add": "sum",
    "mul": "multiply",
    "residual": "res resblock residualblock shortcut skip skipconnection",
}  # fmt: skip

ARGUMENT_SPELLINGS = {
    "out": "filters out_channels out_features units output_dim channels features num_output c_out",
    "kernel": "kernel_size size pool_size ksize filter_size",
    "stride": "strides subsample",
    "padding": "pad pads border",
    "dilation": "dilation_rate dilations",
    "bias": "use_bias",
    "mode": "padding_mode",
    "ceil": "ceil_mode",
    "p": "rate prob probability drop_prob",
    "groups": "group num_groups",
    "negative_slope": "alpha slope",
    "eps": "epsilon",
    "init": "kernel_initializer weight_init",
    "scale": "scale_factor factor",
    "affine": "elementwise_affine",
}

# What arrives, which is inferred here.
INFERRED = frozenset(
    (
        "in_channels",
        "in_features",
        "input_shape",
        "num_features",
        "num_channels",
        "input_dim",
        "c_in",
        "normalized_shape",
    )
)

# What has no counterpart: how a framework runs the layer, not what the layer is.
DROPPED = frozenset(
    (
        "inplace", "name", "trainable", "device", "dtype", "data_format", "track_running_stats", "start_dim", "end_dim",
        "return_indices", "align_corners", "dim", "axis",
    )
)  # fmt: skip


NO_EFFECT = frozenset(("inplace", "device"))  # of those: what changes nothing that the network calculates


def _inverted(table: dict[str, str]) -> dict[str, str]:
    return {spelling: word for word, spellings in table.items() for spelling in spellings.split()}


_LAYERS = _inverted(LAYER_SPELLINGS)
_ARGUMENTS = _inverted(ARGUMENT_SPELLINGS)


def own_layer_word(spelling: str) -> str | None:
    """The word of this language for another framework's layer.

    >>> own_layer_word("Conv2d"), own_layer_word("BatchNormalization"), own_layer_word("nonsense")
    ('conv', 'bn', None)
    """
    return _LAYERS.get(spelling.lower().removeprefix("lazy"))


def own_argument_word(spelling: str) -> str | None:
    """The field of this language for another framework's argument."""
    return _ARGUMENTS.get(spelling.lower())
