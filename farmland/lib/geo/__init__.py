"""Land on the earth: boundaries checked, placed in CGCS2000, measured. The one room for geometry; knows no app.

Everything here takes and gives EPSG:4490, longitude first, in degrees. PROJ and GEOS are loaded when first asked for:
pages without land do without them.
"""

from importlib import import_module

LATER = {
    "BadShape": "shape",
    "area_mu": "shape",
    "box": "shape",
    "checked": "shape",
    "geojson": "shape",
    "geojson_text": "shape",
    "metres_to": "shape",
    "read_wkb": "shape",
    "shared_mu": "shape",
    "write_wkb": "shape",
    "areas_mu": "many",
    "joined": "many",
    "laid_on": "many",
    "pieces": "many",
    "read_many": "many",
    "whole_areas": "many",
    "Placing": "crs",
    "UnknownPlace": "crs",
    "placing": "crs",
}
__all__ = list(LATER)


def __getattr__(name: str):
    if name not in LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{LATER[name]}"), name)
