"""Searches: E670 to E673; several runs in one folder: E690, E691."""

from __future__ import annotations

import sys
from pathlib import Path

import specc
from run_cases import TINY, Scene, case
from specc.cli.find_lr import require_picture
from specc.runner.series import read_series
from specc.search.space import read_space
from specc.search.sweep import SweepPlan, open_study
from specc.source import Source
from specc.syntax.parse import parse


def plan(*varied: str) -> SweepPlan:
    return SweepPlan(TINY, TINY, read_space(varied, parse(Source("tiny.cnn", TINY)).tree), Path("runs/tiny-sweep"))


@case("E670")
def a_setting_of_another_name(scene: Scene) -> None:
    plan("learning_rate=1e-3:1e-1:log")


@case("E670")
def a_value_that_a_setting_does_not_take(scene: Scene) -> None:
    plan("optimizer=adam,lionn")


@case("E671")
def another_sweep(scene: Scene) -> None:
    open_study(plan("lr=1e-3,1e-2"))
    open_study(plan("lr=1e-3,1e-1"))


@case("E672")
def without_optuna(scene: Scene) -> None:
    scene.patch.setitem(sys.modules, "optuna", None)
    open_study(plan("lr=1e-3,1e-2"))


@case("E673")
def a_storage_that_is_none(scene: Scene) -> None:
    open_study(plan("lr=1e-3,1e-2")._replace(storage="postgres"))


@case("E690")
def more_folds_than_pictures(scene: Scene) -> None:
    specc.train(TINY, limit=3, fold="1/9")


@case("E691")
def a_series_that_is_cut_off(scene: Scene) -> None:
    Path("seeds").mkdir()
    Path("seeds/series.json").write_text('{"kind": "seeds", "cou', encoding="utf-8")
    read_series(Path("seeds"))


@case("E692")
def a_curve_that_is_no_picture(scene: Scene) -> None:
    require_picture(Path("runs/rates"))
