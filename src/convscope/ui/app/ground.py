"""What a visitor may reach on this machine's disk: what lies below the root, and the runs."""

import os
from dataclasses import dataclass
from pathlib import Path

from convscope.errors import ConvscopeError
from convscope.models.bundle import FILE
from convscope.words import say

MOST_OFFERED = 200
MODEL_SUFFIX = ".safetensors"


class Refused(ConvscopeError):
    """What a visitor asked for cannot be done; known in both languages.

    Args:
        key: of the texts.
        values: what is filled in.
    """

    def __init__(self, key: str, **values: object) -> None:
        super().__init__(say(key, "en", **values))
        self.key, self.values = key, values


@dataclass(frozen=True)
class Ground:
    """The two folders that the app works in, without links.

    Attributes:
        root: pictures, models and weights are taken from below it.
        runs: the folder of runs.
    """

    root: Path
    runs: Path

    @classmethod
    def of(cls, root: Path, runs: Path) -> "Ground":
        """Resolved, so that what is asked for can be compared."""
        return cls(root.resolve(), runs.resolve())

    def find(self, asked: str, *, in_runs: bool = False) -> Path:
        """The path that a visitor names, from the root or whole; links are followed before it is judged.

        Args:
            asked: as typed.
            in_runs: whether the folder of runs will do, too.

        Raises:
            Refused: it leads elsewhere, or there is nothing.
        """
        asked = asked.strip().strip("\"'")
        places = [self.root, self.runs] if in_runs else [self.root]
        try:
            path = (self.root / asked).resolve()
            inside = any(path.is_relative_to(place) for place in places)
            if inside and path.exists():
                return path
        except (OSError, ValueError, RuntimeError):  # too long a name, a zero byte, links in a circle
            inside = True
        # what is outside is not looked at: whether it exists is nobody's business
        raise Refused("app.path.missing" if inside else "app.path.outside", path=asked[:200], root=self.root)

    def pictures(self, asked: str) -> Path:
        """A folder or zip of pictures, nothing in which leads outside the root.

        Raises:
            Refused: there is none.
        """
        path = self.find(asked)
        if path.is_dir():
            self._refuse_links_outside(path)
        elif path.suffix.lower() != ".zip" or not path.is_file():
            raise Refused("app.path.no_pictures", path=asked[:200])
        return path

    def model(self, asked: str) -> Path:
        """A model file, or the model of a run folder.

        Raises:
            Refused: there is none.
        """
        path = self.find(asked, in_runs=True)
        if path.is_dir():
            path = self.find(str(path / FILE), in_runs=True)
        if path.suffix.lower() != MODEL_SUFFIX or not path.is_file():
            raise Refused("app.path.no_model", path=asked[:200])
        return path

    def finished(self) -> list[Path]:
        """Folders of finished runs, the latest first."""
        files = [file for file in self.runs.glob(f"*/{FILE}") if file.resolve().is_relative_to(self.runs)]
        return [file.parent for file in sorted(files, key=_age)][:MOST_OFFERED]

    def report(self, run: str) -> Path | None:
        """The report page of the run of that name, or None."""
        if run in {"", ".", ".."} or Path(run).name != run or "\0" in run:
            return None
        file = self.runs / run / "report.html"
        return file if file.is_file() and file.resolve().is_relative_to(self.runs) else None

    def offered(self) -> list[str]:
        """Folders and zips right below the root that may hold pictures, by name."""
        try:
            entries = [entry for entry in os.scandir(self.root) if not entry.name.startswith((".", "_"))]
        except OSError:
            return []
        fit = [entry for entry in entries if entry.name.lower().endswith(".zip") or _is_folder(entry)]
        return sorted(entry.name for entry in fit if self.root / entry.name != self.runs)[:MOST_OFFERED]

    def shown(self, path: Path) -> str:
        """A path as one would type it here: from the current folder where it lies below it, else whole."""
        here, path = Path.cwd(), path.absolute()
        return str(path.relative_to(here)) if path.is_relative_to(here) and path != here else str(path)

    def typed(self, model: Path) -> str:
        """A model file as one would name it: by its run where it is one's."""
        return self.shown(model.parent if model.name == FILE and model.parent.parent == self.runs else model)

    def _refuse_links_outside(self, folder: Path) -> None:
        """Raise at a link out of the root, wherever it lies in the folder."""
        seen: set[Path] = set()
        for place, below, files in os.walk(folder, followlinks=True):
            here = Path(place)
            real = here.resolve()
            if real in seen:
                below.clear()
                continue
            seen.add(real)
            for name in (*below, *files):
                file = here / name
                if file.is_symlink() and not file.resolve().is_relative_to(self.root):
                    raise Refused("app.path.link", path=str(file.relative_to(folder)), root=self.root)


def _age(file: Path) -> float:
    try:
        return -file.stat().st_mtime
    except OSError:  # removed in between
        return 0.0


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir(follow_symlinks=False)
    except OSError:
        return False
