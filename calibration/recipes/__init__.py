"""Cities built from public files, one module a city."""

from __future__ import annotations

from calibration.recipes import san_francisco, seoul_downtown
from calibration.recipes.recipe import Recipe, SourceFile

RECIPES: dict[str, Recipe] = {
    recipe.name: recipe for recipe in (san_francisco.RECIPE, seoul_downtown.RECIPE)
}
"""Recipes by the name of the city that they make."""

__all__ = ["RECIPES", "Recipe", "SourceFile"]
