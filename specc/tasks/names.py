"""What a recipe says of tasks, without loading one: their words, what each learns, and which settings are theirs."""

# The word of each task, which is also its file's name, and what is learned, as half a sentence.
LEARNED: dict[str, str] = {
    "classify": "the class of a picture (cross-entropy)",
    "multilabel": "which of several labels a picture has (binary cross-entropy)",
    "reconstruct": "the picture itself (an autoencoder: mean squared error between output and input)",
    "regress": "numbers (mean squared error)",
    "segment": "the class of each pixel (cross-entropy)",
}
# Settings of some tasks; whose they are say the fields of the tasks' classes.
SETTINGS = frozenset({"class_weights", "cutmix", "dice", "error", "heads", "label_smoothing", "mixup", "threshold"})
