"""Raster tiles of a georeferenced picture (GeoTIFF), warped to Web Mercator on request."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np
from rasterio.errors import RasterioError
from rio_tiler.errors import TileOutsideBounds
from rio_tiler.io import Reader
from rio_tiler.models import ImageData

from layers.problems import NotFound, Unavailable
from tiles.vector import Tile

SIZE = 256


def raster_tile(path: Path, tile: Tile) -> bytes:
    """Return a 256-pixel PNG of `tile`, transparent where the picture has no data.

    One band (heights, say) is stretched between its 2nd and 98th percentile, taken once per file.

    Raises
    ------
    NotFound : the tile lies outside the picture, or the file is gone.
    Unavailable : the file cannot be read.
    """
    if not path.is_file():
        raise NotFound(
            zh=f"影像文件 {path.name} 不在数据目录中；请重新导入",
            en=f"The picture {path.name} is not in the data folder; import it again",
        )
    try:
        with Reader(str(path)) as reader:
            image = reader.tile(tile.x, tile.y, tile.z, tilesize=SIZE)
            if image.array.dtype != np.uint8:
                low, high = stretch(path, path.stat().st_mtime_ns)
                image.rescale(in_range=(((low, high)),) * image.count)
            return bytes(_rgb(image).render(img_format="PNG"))
    except TileOutsideBounds as outside:
        raise NotFound(
            zh=f"瓦片 {tile.z}/{tile.x}/{tile.y} 在影像 {path.name} 之外",
            en=f"Tile {tile.z}/{tile.x}/{tile.y} lies outside the picture {path.name}",
        ) from outside
    except RasterioError as broken:
        raise Unavailable(
            zh=f"影像 {path.name} 无法读取：{broken}",
            en=f"The picture {path.name} cannot be read: {broken}",
        ) from broken


def _rgb(image: ImageData) -> ImageData:
    """Keep one band (grey) or the first three; a fourth is the mask already."""
    if image.count <= 3 and image.count != 2:
        return image
    keep = 3 if image.count > 3 else 1
    return ImageData(image.array[:keep], assets=image.assets, crs=image.crs, bounds=image.bounds)


@lru_cache(maxsize=64)
def stretch(path: Path, _changed_ns: int) -> tuple[float, float]:
    """Return the 2nd and the 98th percentile of the picture's values, from an overview."""
    with Reader(str(path)) as reader:
        sample = reader.preview(max_size=512).array.compressed()
    if sample.size == 0:
        return 0.0, 1.0
    low, high = np.percentile(sample, [2, 98])
    return float(low), float(max(high, low + 1e-9))
