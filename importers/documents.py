"""JSON objects made from columns, a whole column at a time."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from importers.values import as_text

_SPECIAL = r'["\\\x00-\x1f]'


def documents(parts: Mapping[str, pd.Series[Any]], index: pd.Index) -> pd.Series[Any]:
    """Return one JSON object per row (as text) of the values that are not missing.

    Numbers, booleans, lists and objects stay what they are; everything else is text.
    """
    fields = [_field(name, values) for name, values in sorted(parts.items())]
    if not fields:
        return pd.Series("{}", index=index, dtype="str")
    body = pc.binary_join_element_wise(
        *fields, pa.scalar("", pa.large_string()), null_handling="replace", null_replacement=""
    )
    # Every field begins with a comma: the first one is cut off.
    inner = pc.utf8_slice_codeunits(body, 1)
    braced = pc.binary_join_element_wise(
        pa.scalar("{", pa.large_string()), inner, pa.scalar("}", pa.large_string()),
        pa.scalar("", pa.large_string()),
    )  # fmt: skip
    return pd.Series(braced.to_pandas().to_numpy(), index=index, dtype="str")


def _field(name: str, values: pd.Series[Any]) -> pa.Array:
    lead = "," + json.dumps(name, ensure_ascii=False) + ":"
    if pd.api.types.is_bool_dtype(values) and not values.isna().any():
        said = pa.array(np.where(values, "true", "false"), pa.large_string())
    elif pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values):
        said = _numbers(values)
    elif _nested(values):
        said = _objects(values)
    else:
        said = _quoted(as_text(values))
    return pc.binary_join_element_wise(
        pa.scalar(lead, pa.large_string()), said, pa.scalar("", pa.large_string())
    )


def _nested(values: pd.Series[Any]) -> bool:
    """Tell whether a column holds lists, objects or yes and no with gaps: by its first value."""
    first = values.first_valid_index() if values.dtype == object else None
    return first is not None and isinstance(values[first], list | dict | bool)


def _objects(values: pd.Series[Any]) -> pa.Array:
    known = values.notna()
    said = [
        json.dumps(value, ensure_ascii=False, default=str).replace("\\u0000", "") if has else None
        for value, has in zip(values, known, strict=True)
    ]
    return pa.array(said, pa.large_string())


def _numbers(values: pd.Series[Any]) -> pa.Array:
    finite = values.where(~values.isin([np.inf, -np.inf]))
    made = _flat(pa.array(finite, from_pandas=True))
    if pa.types.is_floating(made.type):
        whole = pc.if_else(pc.equal(pc.round(made), made), made, None)
        if whole.null_count == made.null_count and pc.max(pc.abs(made)).as_py() not in (None,):
            limit = pc.max(pc.abs(made)).as_py()
            if limit < 2**53:
                made = made.cast(pa.int64())
    return made.cast(pa.large_string())


def _quoted(text: pd.Series[Any]) -> pa.Array:
    made = _flat(pa.array(text, from_pandas=True)).cast(pa.large_string())
    special = pc.match_substring_regex(made, _SPECIAL)
    if pc.any(special).as_py():
        coded = made.dictionary_encode()
        # JSONB cannot hold U+0000.
        words = [json.dumps(w.replace("\0", ""), ensure_ascii=False)
                 for w in coded.dictionary.to_pylist()]  # fmt: skip
        return pa.array(words, pa.large_string()).take(coded.indices)
    quote = pa.scalar('"', pa.large_string())
    return pc.binary_join_element_wise(quote, made, quote, pa.scalar("", pa.large_string()))


def _flat(made: pa.Array | pa.ChunkedArray) -> pa.Array:
    if isinstance(made, pa.ChunkedArray):
        made = made.combine_chunks()
    return made.cast(pa.large_string()) if pa.types.is_null(made.type) else made
