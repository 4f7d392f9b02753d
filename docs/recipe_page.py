"""The reference page of the recipe, docs/recipe.md, made out of the model."""

from __future__ import annotations

from collections.abc import Iterator

from specc.recipe.augmentations import known
from specc.recipe.judging import accepts, example, is_switch
from specc.recipe.optimizers import OPTIMIZERS
from specc.recipe.recipe import Recipe
from specc.recipe.written import as_written

INTRODUCTION = """\
# The recipe

How a network is trained: what a spec's `train { }` says, what `specc train` takes as options, and what
`specc.train` takes as arguments. All three are one model, `specc.recipe.recipe.Recipe`; this page is made
from it. An option wins over the spec, the spec over the default.

```cnn
input 1x28x28
conv 16 k5 -> relu -> maxpool 2
flatten -> linear 10

train {
  data fashion-mnist
  epochs 20
  normalize
  optimizer sgd lr=0.1 momentum=0.9 nesterov
  schedule onecycle
}
```

A setting goes on a line of its own, followed by its value; a switch needs none. An optimizer's arguments may follow it.
The option is `--` and the same name with `-` for `_`: `--weight-decay 0.0005`; that of `from_weights` is `--from`;
a switch is `--flip` or `--no-flip`.
`recipe.json` in the run folder says what was used, every default written out.
"""

# The first setting of each section; the order is that of the model.
SECTIONS = {
    "task": "What is learned, and from what",
    "resize": "The pictures",
    "resized_crop": "Augmentation, of training pictures only",
    "from_weights": "What it begins with",
    "epochs": "Epochs and batches",
    "optimizer": "The optimizer",
    "schedule": "The learning rate over the run",
    "momentum": "Arguments of the optimizer",
    "decay_weights_only": "What keeps the weights in check",
    "patience": "When it stops, and what is saved",
    "seed": "Chance, and the machine",
}


def _listed(*when: str) -> str:
    """The augmentations of some kinds, in their order."""
    return ", ".join(f"`{name}`" for name, one in known(Recipe).items() if one.when in when)


NOTES = {
    "What is learned, and from what": """\
A folder of pictures holds a folder for each class, or `train` and `test` (or `val`) with class folders in both.
Where all three exist, `val` is the validation split. Where there are class folders only, a fifth of each class
is held out to test on, and the run's first line says so. [Data](data.md) says more.

With a validation split the best epoch, and `patience`, go by it; the test split is measured and decides nothing.

`task reconstruct` trains an autoencoder: its output has the shape of its input, which is what it was given,
scaled where the recipe normalises and changed where it augments. There is no accuracy: `test_accuracy` is null in
`metrics.jsonl`, and the best epoch is the one with the lowest loss. `mixup`, `cutmix` and `label_smoothing` change
classes and are refused.

`task multilabel` ends in one number for each label, `task regress` in one for each number that is to be found, and
`task segment` in one for each class at each pixel, as many pixels as the input has. Numbers are shifted and scaled to
mean 0 and deviation 1 over the training samples while they are learned, and told in their own unit. Masks move with
their pictures in all augmentations that move these; what comes in from outside is ignored, as are pixels whose number
is no class, such as 255. With `class_weights` the mean training sample counts 1. Test losses are without weights,
label smoothing and Dice.""",
    "Augmentation, of training pictures only": f"""\
Each works on whole batches, on the device that trains, in this order: {_listed("cuts")}; {_listed("warps")}
(pixels are interpolated once for all four); {_listed("moves")}; {_listed("colours")};
after scaling to floats {_listed("fills")}; {_listed("mixes")}. All randomness comes from the recipe's seed, and a
run that is resumed draws what it would have drawn. `resized_crop` and `color_jitter` are torchvision's
RandomResizedCrop (its ratio, ten tries) and ColorJitter (brightness, then contrast, then saturation; `hue` is a
setting of its own). `erase` is torchvision's RandomErasing, `randaugment` and `trivialaugment` have the lists and
strengths of its RandAugment and TrivialAugmentWide; there, too, each picture is changed in its own way.
`flip_mode alternate` (Jordan 2024) shows each picture the same number of times as it is and mirrored, give or take one.
`flip_vertical`, `rotate` and their like are for pictures that mean the same afterwards: a 6 that is turned is a 9.

Where pictures are read from their files while they are wanted, `resized_crop` cuts its part out of the picture at its
full size, and not out of what `resize` made of it; so with both, `in_memory auto` reads a folder's pictures. Out of
pictures that are kept (`in_memory on`, arrays, named data sets) it is cut after `resize`.""",
    "What it begins with": """\
`from_weights` (the option is `--from`) takes the weights of a run's best epoch, of a file, or of `torchvision:NAME`,
and the normalisation that they were trained with. Tensors go to those of their names and shapes, or, where that pairs
more, to those in the same place, up to the first of another shape. The last layer starts afresh where its classes are
others. The run's first lines say what was loaded and what was not. Nothing is executed from a file.

What `freeze` names is not trained: its weights keep their bits, and a batch normalisation in it goes on using the
statistics that it has; with `unfreeze_after` it begins to learn once so many epochs are over. What `freeze_after`
names learns for as many epochs as stand there and is frozen then. `rates` and `decays` name parts in the same way,
each with a factor: `rates head=10x stem=0.1x`, in quotes where a name has a `*` or a dot. They may name single
weights, too, as `state_dict()` does, and `bias` is every bias where no part is called so: `rates bias=64x`. Of two
for one weight the later one holds, and `layer_decay` is multiplied with it.
[Fine-tuning](guides/fine-tuning.md) shows all of them.""",
    "Epochs and batches": """\
With `epochs 9.9` the tenth epoch ends after nine tenths of its steps, and is tested like the others: for a run of which
the steps are counted. Its run cannot be made longer once it has ended.

A last batch that is not full is trained on, unless `drop_last` leaves it out. One of a single picture is always
left out where the network has a batch normalisation, which cannot take it; the run's first line says so. A batch
that is the only one stays.

With `sampling balanced` an epoch has as many samples as without, but of each class as many as of any other: those of a
rare class come several times, all of them equally often, and of a common one chance leaves some out. It trains on other
numbers of samples than there are, so what the network gives for a class is no longer how often it comes;
`class_weights balanced` is the same thought in the loss.""",
    "What keeps the weights in check": """\
`average` and `swa_from` are tested and kept in place of the weights that are trained, which they do not change.
`swa_from 20` (Izmailov et al. 2018) is the mean over the ends of the epochs from the 20th on, for which the batch
normalisations look at all training samples once more after each epoch; a rate that no longer falls suits it.
`lookahead 5` (Zhang et al. 2019) goes with any optimizer; with `lookahead_schedule cubic` (Jordan 2024) it keeps
1 - (1 - `lookahead_alpha`)·t³ of the way, t from 0 to 1 over the run.""",
    "The optimizer": """\
`muon` is torch's Muon (torch 2.9 or newer) for the kernels and matrices between the first and the last layer, and
AdamW for the rest: the first and the last layer, biases, normalisations, and grouped convolutions; `betas` and `eps`
are AdamW's. A kernel of out x in x height x width is shown to it as the matrix of out x (in·height·width). Its step is
scaled to the size of AdamW's, so that both take one `lr` and one `weight_decay`. With `muon_lr` it is not: a step is an
orthogonal matrix times that rate, times the root of rows by columns where there are more rows. `renormalize` sets the
norm of each of its weights to the root of the number of rows before each step; these do not decay. With
`rest_optimizer=sgd` the rest is changed by SGD with `rest_momentum`, Nesterov's where `nesterov` is on. The run's first
line says how many tensors are whose.

Source: Jordan 2024, "Muon: An optimizer for hidden layers in neural networks"; Liu et al. 2025, "Muon is Scalable
for LLM Training".

`lion` and `lamb` are specc's own, by the formulas of their papers (Chen et al. 2023; You et al. 2020), `adafactor` is
torch's.""",
}


def page() -> str:
    """The whole page, in Markdown."""
    return "\n".join([INTRODUCTION, *_sections()]).rstrip() + "\n"


def _sections() -> Iterator[str]:
    title = ""
    for name in Recipe.model_fields:
        if name in SECTIONS:
            yield from _note(title)
            title = SECTIONS[name]
            yield from (
                f"## {title}",
                "",
                "| setting | what it does | takes | default | example |",
                "|---|---|---|---|---|",
            )
        yield _row(name)
    yield from _note(title)


def _note(title: str) -> Iterator[str]:
    yield ""
    if title in NOTES:
        yield from (NOTES[title], "")
    if title == "The optimizer":
        yield from _optimizers()


def _row(name: str) -> str:
    field = Recipe.model_fields[name]
    default = "" if field.default is None else f"`{as_written(field.default)}`"
    written = name if is_switch(name) else f"{name} {example(name)}"
    cells = (f"`{name}`", field.description or "", accepts(name), default, f"`{written}`")
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def _optimizers() -> Iterator[str]:
    yield from ("What each takes, with its defaults:", "")
    for name, one in OPTIMIZERS.items():
        said = ", ".join(f"`{key} {as_written(value)}`" for key, value in one.arguments.items() if value is not None)
        yield f"- `{name}`: {said}"
    yield ""
