"""Buckets and feature hashing beside their judges: GrowthBook's description and scikit-learn's `FeatureHasher`."""

import random
from collections.abc import Mapping
from fractions import Fraction
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest

from edgewise import bucket, hash_features

# Name -> sign and column for 2^12, 2^14, 2^18 and 2^20 columns; two of them hash to the least 32-bit int.
VECTORS: dict[str, tuple[int, tuple[int, int, int, int]]] = {
    "": (1, (0, 0, 0, 0)),
    "a": (1, (2482, 10674, 92594, 354738)),
    "ab": (-1, (2209, 10401, 10401, 10401)),
    "abc": (-1, (3078, 11270, 158726, 158726)),
    "abcd": (1, (1898, 10090, 92010, 878442)),
    "abcde": (-1, (1290, 9482, 25866, 288010)),
    "country=DE": (-1, (2107, 6203, 104507, 628795)),
    "device=mobile": (-1, (191, 8383, 90303, 876735)),
    "page=product": (-1, (947, 13235, 193459, 979891)),
    "event=add_to_cart": (-1, (4061, 16349, 98269, 622557)),
    "n#3": (-1, (1992, 6088, 186312, 972744)),
    "cat=1&page=2": (1, (2517, 6613, 219605, 219605)),
    "visitor=Returning_Visitor": (-1, (3451, 11643, 126331, 650619)),
    "ProductRelated": (-1, (2717, 2717, 182941, 969373)),
    "utm=été": (-1, (25, 12313, 94233, 356377)),
    "日本語=東京": (1, (1279, 13567, 128255, 652543)),
    "price#12": (1, (2420, 6516, 72052, 858484)),
    "emoji=😀": (1, (1705, 9897, 190121, 976553)),
    "x" * 100: (-1, (3950, 3950, 200558, 462702)),
    "k=f3d0feo=3x": (-1, (0, 0, 0, 0)),
    "k=zdfnnlyp6o": (-1, (0, 0, 0, 0)),
}


@pytest.mark.parametrize("name", VECTORS)
def test_known_vectors(name: str) -> None:
    sign, columns = VECTORS[name]
    for bits, column in zip((12, 14, 18, 20), columns, strict=True):
        indptr, indices, values = hash_features([{name: 1}], 2**bits)
        assert (indptr.tolist(), indices.tolist(), values.tolist()) == ([0, 1], [column], [sign])


def test_the_number_of_columns_need_not_be_a_power_of_two() -> None:
    assert hash_features([{"a": 1}], 1000)[1].tolist() == [850]
    assert hash_features([{"k=f3d0feo=3x": 1}], 1000)[1].tolist() == [648]
    assert hash_features([{"a": 2, "b": 1, "c": 1, "d": 1}], 2)[2].tolist() == [2, -1]


def test_text_is_a_name_of_its_own_and_zeros_are_left_out() -> None:
    as_text = hash_features([{"device": "mobile", "off": 0, "no": False, "none": -0.0}], 4096)
    as_name = hash_features([{"device=mobile": True}], 4096)

    assert all(np.array_equal(left, right) for left, right in zip(as_text, as_name, strict=True))
    assert [array.tolist() for array in hash_features([{}, {}], 8)] == [[0, 0, 0], [], []]
    assert [array.dtype for array in as_text] == [np.int32, np.int32, np.float64]


def test_what_is_no_finite_number_is_kept_as_the_other_keeps_it() -> None:
    rows = [{"a": float("nan"), "b": 1.0}, {"a": float("inf")}, {"a": -float("inf"), "c": 2**63}]
    ours = hash_features(rows, 64)
    theirs = pytest.importorskip("sklearn.feature_extraction").FeatureHasher(64).transform(rows)
    for left, right in zip(ours, (theirs.indptr, theirs.indices, theirs.data), strict=True):
        np.testing.assert_array_equal(left, right)


@pytest.mark.parametrize(
    ("rows", "n_features", "error", "message"),
    [
        ([{"a": 10**400}], 8, ValueError, "feature `a`: a value is too large for a float"),
        ([{"a": None}], 8, TypeError, "feature `a`: expected a string or a number"),
        ([{"a": ["b"]}], 8, TypeError, "feature `a`: expected a string or a number"),
        ([{1: 1.0}], 8, TypeError, "the name of a feature is a string"),
        ([5], 8, TypeError, "a row is a mapping"),
        ([{"a": 1}], 0, ValueError, "`n_features` is 0"),
        ([{"a": 1}], 2**31, ValueError, "`n_features` is 2147483648"),
    ],
)
def test_what_cannot_be_hashed_is_refused(rows: Any, n_features: int, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        hash_features(rows, n_features)


def random_row(source: random.Random) -> dict[str, str | float]:
    """Few or many features of all kinds; the numbers are such that the order of a sum shows in its last bit."""
    value = [
        source.random,
        lambda: source.uniform(-1e9, 1e9),
        lambda: source.randint(-3, 3),
        lambda: source.choice(["mobile", "", "été", "😀", "a=b"]),
        lambda: source.choice([True, False, 0.0, 5e-324, 1e300]),
    ]
    names = source.choice(["f{}", "f{}", "é={}", "日本{}"])
    return {names.format(source.randrange(300)): source.choice(value)() for _ in range(source.choice([0, 3, 20, 60]))}


def test_ten_thousand_random_rows_equal_feature_hasher_bit_for_bit() -> None:
    hasher = pytest.importorskip("sklearn.feature_extraction", reason="scikit-learn is not here").FeatureHasher
    source = random.Random(20261121)
    done = 0
    while done < 10_000:
        rows = [random_row(source) for _ in range(source.choice([1, 1, 2, 5, 100]))]
        width = source.choice([1, 2, 7, 16, 64, 1000, 2**12, 2**20, 2**31 - 1])
        expected = hasher(width).transform(rows)
        indptr, indices, values = hash_features(rows, width)
        assert np.array_equal(indptr, expected.indptr)
        assert np.array_equal(indices, expected.indices)
        assert values.tobytes() == expected.data.tobytes()
        done += len(rows)


class Named(str):
    """A string that is not only a string."""

    __slots__ = ()


def rows_of_all_kinds() -> list[Mapping[str, Any]]:
    """Rows that share their keys, that only share their names, that order them otherwise, and that are no dicts."""
    keys = [f"key {n}" for n in range(40)]
    alike = [dict.fromkeys(keys, n / 3) for n in range(1, 4)]
    renamed = [{f"key {n}": f"value {n % 7}" for n in range(40)} for _ in range(3)]
    turned = [dict.fromkeys(reversed(keys), "x"), dict.fromkeys(keys[1:], 2), dict.fromkeys(keys[:1], 3)]
    odd = [{Named("key 0"): Named("text")}, MappingProxyType({"key 0": np.float64(0.1)}), {"key 0": Fraction(1, 3)}]
    return [*alike, *renamed, *turned, *alike, {}, *odd, *turned, *odd]


def test_it_makes_no_difference_which_row_had_a_key_before() -> None:
    rows = rows_of_all_kinds()
    one_by_one = [hash_features([row], 1000) for row in rows]
    for given in (rows, tuple(rows), iter(rows), (dict(row) for row in rows)):
        indptr, indices, values = hash_features(given, 1000)  # type: ignore[arg-type]
        assert np.diff(indptr).tolist() == [len(one[1]) for one in one_by_one]
        assert indices.tolist() == [index for one in one_by_one for index in one[1].tolist()]
        assert values.tolist() == [value for one in one_by_one for value in one[2].tolist()]


def test_a_row_that_changes_while_it_is_read_is_refused() -> None:
    row: dict[str, Any] = {}

    class Adding:
        def __float__(self) -> float:
            row.clear()
            row.update(dict.fromkeys("abcdefgh", 1.0))
            return 1.0

    row.update({"first": Adding(), "second": 2.0})
    with pytest.raises(RuntimeError, match="changed size"):
        hash_features([row], 16)


def test_a_scipy_matrix_takes_the_arrays_as_they_are() -> None:
    sparse = pytest.importorskip("scipy.sparse", reason="SciPy is not here")
    indptr, indices, values = hash_features([{"a": 1, "b": 2.5}, {}, {"a": "x"}], 64)

    matrix = sparse.csr_matrix((values, indices, indptr), shape=(3, 64))
    assert matrix.has_canonical_format
    assert matrix.sum() == values.sum()


def growthbook_v2(seed: str, value: str) -> float:
    """From GrowthBook's description, over the UTF-16 code units of JavaScript."""

    def fnv1a32(text: str) -> int:
        units = np.frombuffer(text.encode("utf-16-le"), dtype="<u2")
        code = 0x811C9DC5
        for unit in units.tolist():
            code = (code ^ unit) * 0x01000193 % 2**32
        return code

    return fnv1a32(str(fnv1a32(seed + value))) % 10000 / 10000


@pytest.mark.parametrize(
    ("seed", "value", "low", "high"),
    [
        ("isr-1", "u-17", 0.0, 0.10),
        ("isr-1", "u-2", 0.10, 0.55),
        ("isr-1", "u-1", 0.55, 1.0),
        ("gh-2026q4", "u-24", 0.0, 0.02),
    ],
)
def test_the_users_of_the_contract_fall_where_it_says(seed: str, value: str, low: float, high: float) -> None:
    assert low <= bucket(seed, value) < high


def test_buckets_follow_the_description_beyond_ascii_too() -> None:
    source = random.Random(7)
    for _ in range(2_000):
        seed, value = ("".join(source.choices("aZ09-_é日😀\x00", k=source.randrange(9))) for _ in range(2))
        assert bucket(seed, value) == growthbook_v2(seed, value)


def test_what_is_no_text_has_no_bucket() -> None:
    with pytest.raises(UnicodeEncodeError):
        bucket("seed", "\ud800")
