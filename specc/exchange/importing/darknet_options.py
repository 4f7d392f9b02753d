"""The options of a Darknet file: which each section has, and which of them the language has no word for.

Source: the parsers of Darknet (Redmon 2013–2018) and of its continuation (Bochkovskiy 2018–2021). Darknet itself passes
over an option that it does not know, after a line on the terminal, so that a slip of the pen gives another network.
"""

from __future__ import annotations

from typing import Any

# Each word of `activation`, and the layer that it is; None for none.
ACTIVATIONS: dict[str, tuple[str, dict[str, Any]] | None] = {
    "linear": None,
    "leaky": ("leakyrelu", {"negative_slope": 0.1}),
    "relu": ("relu", {}),
    "relu6": ("relu6", {}),
    "logistic": ("sigmoid", {}),
    "tanh": ("tanh", {}),
    "elu": ("elu", {}),
    "selu": ("selu", {}),
    "gelu": ("gelu", {}),
    "mish": ("mish", {}),
    "swish": ("silu", {}),
    "hardtan": ("hardtanh", {}),
}
# What every layer may say; it concerns training or the weights' file alone.
_COMMON = """
    clip dont_update dontload dontloadscales dontsave learning_rate learning_rate_scale lr_scale numload onlyforward
    stopbackward train_only_bn burnin_update
"""
_CONVOLUTION = "activation batch_normalize filters size stride pad padding"
# Of the heads nothing is read: boxes are worked out of what arrives there, by numbers that no layer has.
_HEAD = """
    mask anchors classes num jitter ignore_thresh truth_thresh random resize map counters_per_class total max max_boxes
    label_smooth_eps scale_x_y objectness_smooth new_coords iou_normalizer obj_normalizer cls_normalizer
    delta_normalizer iou_thresh iou_thresh_kind iou_loss nms_kind beta_nms max_delta embedding_layer focal_loss
    show_details track_history_size dets_for_track dets_for_show track_ciou_norm coords bias_match softmax rescore
    absolute thresh tree class_scale coord_scale object_scale noobject_scale mask_scale background side sqrt
    classfix forced log sim_thresh uc_normalizer
"""
_OF_SECTIONS = {
    "net": """
        width height channels inputs batch subdivisions momentum decay learning_rate max_batches policy steps
        scales burn_in power step scale gamma seq_scales angle aspect saturation exposure hue flip max_crop
        min_crop center noadjust random adam b1 b2 beta1 beta2 eps epsilon notruth time_steps track
        augment_speed sequential_subdivisions try_fix_nan loss_scale dynamic_minibatch optimized_memory
        workspace_size_limit_mb label_smooth_eps resize_step attention adversarial_lr max_chart_loss cutmix
        mixup mosaic mosaic_bound gaussian_noise blur letter_box contrastive contrastive_jit_flip
        contrastive_color unsupervised ema_alpha weights_reject_freq equidistant_point
        badlabels_rejection_percentage num_sigmas_reject_badlabels max_delta sgdr_cycle sgdr_mult ratio
        reset_stats max_epochs seen use_cuda_graph gpu_index log_step bflops show_receptive_field
    """,
    "convolutional": f"""{_CONVOLUTION} stride_x stride_y groups dilation binary xnor bin_output flipped dot share_index
        antialiasing use_bin_output sway rotate stretch stretch_sway deform assisted_excitation wait_stream coordconv
        grad_centr reverse normalize_bin_output""",
    "deconvolutional": f"{_CONVOLUTION} output_padding",
    "connected": "activation batch_normalize output",
    "maxpool": "size stride stride_x stride_y padding maxpool_depth out_channels antialiasing",
    "avgpool": "",
    "dropout": "probability dropblock dropblock_size_rel dropblock_size_abs",
    "softmax": "groups temperature tree spatial noloss",
    "upsample": "stride scale",
    "batchnorm": "",
    "activation": "activation",
    "route": "layers groups group_id stream",
    "shortcut": "from activation alpha beta weights_type weights_normalization weights_normalizion assisted_excitation",
    "scale_channels": "from activation scale_wh",
    "sam": "from activation",
    "reorg": "stride reverse flatten extra",
    "reorg3d": "stride reverse flatten extra",
    "crop": "crop_height crop_width flip angle saturation exposure noadjust shift",
    "yolo": _HEAD,
    "gaussian_yolo": _HEAD,
    "region": _HEAD,
    "detection": _HEAD,
}
_SHORT = {"network": "net", "conv": "convolutional", "deconv": "deconvolutional", "conn": "connected", "max": "maxpool",
          "avg": "avgpool", "soft": "softmax"}  # fmt: skip
_USUAL = {"alpha": 1.0, "beta": 1.0, "scale": 1.0, "output_padding": 0.0}
_IN_EFFECT = {
    "convolutional": """binary xnor bin_output use_bin_output dot share_index antialiasing sway rotate stretch
        stretch_sway deform assisted_excitation coordconv reverse""",
    "deconvolutional": "output_padding",
    "maxpool": "maxpool_depth antialiasing",
    "dropout": "dropblock",
    "softmax": "spatial",
    "upsample": "scale",
    "shortcut": "alpha beta weights_type assisted_excitation",
    "scale_channels": "scale_wh",
    "reorg": "reverse flatten extra",
    "reorg3d": "reverse flatten extra",
}
"""Options that change what a layer gives, and that no word has."""


SIZES = ("width", "height", "channels", "inputs")
"""The options of `[net]` that say what the network is; the others are about training."""


def full_name(section: str) -> str:
    """A section's name without Darknet's short forms."""
    return _SHORT.get(section, section)


def options_of(section: str) -> frozenset[str] | None:
    """The options that a section may have; None for one that specc has no word for, whose options do not count."""
    own = _OF_SECTIONS.get(full_name(section))
    return None if own is None else frozenset(f"{own} {_COMMON}".split())


def in_effect(section: str, options: dict[str, str]) -> list[str]:
    """The options of a section, as they are written, that change its output in a way that no word has."""
    names = _IN_EFFECT.get(full_name(section), "").split()
    return [f"{name}={options[name]}" for name in names if name in options and not _is_usual(name, options[name])]


def _is_usual(name: str, text: str) -> bool:
    if name == "weights_type":
        return text in ("none", "0")
    try:
        return float(text) == _USUAL.get(name, 0.0)
    except ValueError:
        return False
