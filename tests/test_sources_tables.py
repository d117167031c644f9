"""Tables and lists of pictures, as programs and people write them, to the same listing."""

import unicodedata

import pytest

from convscope.data.sources import read
from convscope.errors import DataError
from tests.test_sources import CAT, DOG, fill, listed


def table(root, text, name="labels.csv", encoding="utf-8"):
    (root / name).write_bytes(text.encode(encoding))
    return root / name


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("path,label\n1.jpg,cat\n2.jpg,dog\n", "utf-8"),
        ("label;filename\ncat;1.jpg\ndog;2.jpg\n", "utf-8"),
        ("Image\tClass\n1.jpg\tcat\n\n2.jpg\tdog\n", "utf-8"),
        ("1.jpg,cat\n2.jpg,dog\n", "utf-8"),
        ("path,label\r\n1.jpg,cat\r\n2.jpg,dog\r\n , \r\n", "utf-8-sig"),
        ("path,label\r1.jpg,cat\r2.jpg,dog", "cp949"),
        ("path\tlabel\n1.jpg\tcat\n2.jpg\tdog\n", "utf-16"),
        ('id,note,target\n1.jpg,"two\nlines",cat\n2.jpg,,dog\n', "utf-8"),
    ],
)
def test_a_table_is_read_as_programs_write_it(tmp_path, text, encoding):
    listing = read(table(fill(tmp_path, "1.jpg", "2.jpg"), text, encoding=encoding))

    assert listed(listing) == {"1.jpg": ("cat", ""), "2.jpg": ("dog", "")}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp949"])
def test_a_table_of_a_korean_excel_keeps_hangul(tmp_path, encoding):
    fill(tmp_path, f"{CAT}.jpg", "2.jpg")

    listing = read(table(tmp_path, f"path,label\n{CAT}.jpg,{CAT}\n2.jpg,{DOG}\n", encoding=encoding))

    assert listed(listing) == {f"{CAT}.jpg": (CAT, ""), "2.jpg": (DOG, "")}


def test_a_table_may_spell_hangul_in_one_piece_and_the_disk_in_several(tmp_path):
    stored = unicodedata.normalize("NFD", f"사진/{CAT}.jpg")
    fill(tmp_path, stored, "2.jpg")

    listing = read(table(tmp_path, f"path,label\n사진/{CAT}.jpg,a\n2.jpg,b\n"))

    assert listing.files == (stored, "2.jpg")
    assert listing.store.content(stored)


def test_a_split_column_gives_the_parts_and_may_be_empty(tmp_path):
    fill(tmp_path, *[f"{number}.jpg" for number in range(4)])

    listing = read(table(tmp_path, "file,label,subset\n0.jpg,a,Train\n1.jpg,b,VALID\n2.jpg,a,test\n3.jpg,b,\n"))

    assert listing.parts == ("train", "val", "test", "")


def test_labels_may_hold_commas_and_paths_backslashes(tmp_path):
    listing = read(
        table(fill(tmp_path, "old cats/1.jpg", "2.jpg"), 'path,label\nold cats\\1.jpg,"cat, old"\n2.jpg,x\n')
    )

    assert listed(listing) == {"old cats/1.jpg": ("cat, old", ""), "2.jpg": ("x", "")}


def test_paths_may_climb_from_the_tables_folder_and_lie_in_a_hidden_one(tmp_path):
    fill(tmp_path, "data/.cache/1.jpg", "pictures/2.jpg", "data/lists/x")

    listing = read(table(tmp_path / "data" / "lists", "../.cache/1.jpg,a\n../../pictures/2.jpg,b\n"))

    assert [listing.store.content(file) for file in listing.files] == [b"not decoded here"] * 2


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("path,label\n1.jpg,a\n9.jpg,b\n", r"1 of 2 files that it names are not there \(first: 9.jpg\); paths count"),
        ("path,colour\n1.jpg,red\n", "no label column among path, colour; call it label or class"),
        ("picture_of,label\n1.jpg,red\n", "no path column among picture_of, label; call it path or file"),
        ("1.jpg\n2.jpg\n", "no label column"),
        ("path,label,split\n1.jpg,a,train\n2.jpg,b,trian\n", "line 3: split 'trian' is not one of"),
        ("path,label\n1.jpg,a\n\n2.jpg\n", "line 4: 1 columns"),
        ("1.jpg,a\n2.jpg,\n", "line 2: no label for 2.jpg"),
        ("path,label\n,a\n", "line 2: no path for a"),
        ("", "the table is empty"),
        ("\n , \n", "the table is empty"),
        ('path,label\n1.jpg,"' + "x" * 200_000, "not a table"),
    ],
)
def test_a_table_that_cannot_be_used_says_where(tmp_path, text, words):
    with pytest.raises(DataError, match=rf"labels\.csv.*{words}") as caught:
        read(table(fill(tmp_path, "1.jpg", "2.jpg"), text))

    assert "\n" not in str(caught.value)


def test_a_table_in_an_unknown_encoding_says_what_to_do(tmp_path):
    (tmp_path / "labels.csv").write_bytes(b"path,label\n1.jpg,\xff\xfe\xff\n")

    with pytest.raises(DataError, match="save it as UTF-8"):
        read(tmp_path / "labels.csv")


def test_a_folder_with_a_table_is_read_by_it(tmp_path):
    fill(tmp_path, "images/1.jpg", "images/2.jpg")

    listing = read(table(tmp_path, "path,label\nimages/1.jpg,a\nimages/2.jpg,b\n").parent)

    assert listed(listing) == {"images/1.jpg": ("a", ""), "images/2.jpg": ("b", "")}


def test_flat_train_and_test_folders_are_read_by_their_table(tmp_path):
    fill(tmp_path, "train/1.jpg", "test/2.jpg")
    table(tmp_path, "path,label,split\ntrain/1.jpg,a,train\ntest/2.jpg,b,test\n", "metadata.csv")

    assert listed(read(tmp_path)) == {"train/1.jpg": ("a", "train"), "test/2.jpg": ("b", "test")}


def test_a_list_file_gives_file_and_label(tmp_path):
    fill(tmp_path, "my cats/1 (2).jpg", "2.jpg")

    listing = read(table(tmp_path, "my cats/1 (2).jpg 0\n2.jpg\t1\n\n", "all.txt"))

    assert listed(listing) == {"my cats/1 (2).jpg": ("0", ""), "2.jpg": ("1", "")}


def test_class_numbers_of_a_list_get_the_names_beside_it(tmp_path):
    fill(tmp_path, "1.jpg", "2.jpg")
    table(tmp_path, f"{DOG}\n{CAT}\n", "classes.txt")

    assert listed(read(table(tmp_path, "1.jpg 1\n2.jpg 0\n", "all.txt"))) == {"1.jpg": (CAT, ""), "2.jpg": (DOG, "")}


@pytest.mark.parametrize(
    "names", [("train", "val", "test"), ("training", "validation", "testing"), ("Train", "dev", "TEST")]
)
def test_a_folder_of_list_files_gives_the_parts(tmp_path, names):
    fill(tmp_path, "p/1.jpg", "p/2.jpg", "p/3.jpg")
    for number, name in enumerate(names, start=1):
        table(tmp_path, f"p/{number}.jpg {number % 2}\n", f"{name}.txt")

    parts = [("1", "train"), ("0", "val"), ("1", "test")]
    assert listed(read(tmp_path)) == {f"p/{number}.jpg": part for number, part in enumerate(parts, start=1)}


def test_a_line_that_is_no_list_entry_is_quoted(tmp_path):
    with pytest.raises(DataError, match=r"all.txt line 2: expected `file label`, found 'just words here'"):
        read(table(fill(tmp_path, "1.jpg"), "1.jpg 0\njust words here\n", "all.txt"))
