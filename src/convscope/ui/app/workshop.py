"""What all pages of the app share, and what comes in from a browser."""

import binascii
import secrets
import shutil
from base64 import b64decode
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from convscope.data.stores import printable
from convscope.errors import UnreadableImage
from convscope.ui.app.answering import Answerer
from convscope.ui.app.ground import Ground, Refused
from convscope.ui.app.jobs import Desk

LIMIT_GB = 1  # of an upload
MOST_OF_A_NAME = 200

# what gradio hands over for a file: {"path", "orig_name", "url"} and more, or None
Payload = dict[str, Any] | None


@dataclass(frozen=True)
class Workshop:
    """Folders, the training under way, and the models that stay loaded.

    Attributes:
        ground: what may be reached on the disk.
        folder: private to this app, removed when it ends.
        desk: trains.
        answerer: answers.
    """

    ground: Ground
    folder: Path
    desk: Desk = field(default_factory=Desk)
    answerer: Answerer = field(default_factory=Answerer)

    @property
    def uploads(self) -> Path:
        """Where gradio puts what comes in."""
        return self.folder / "uploads"

    def upload(self, payload: Payload) -> tuple[Path, str]:
        """An uploaded file and the name it had.

        Raises:
            Refused: it is gone, or was never uploaded.
        """
        found = (payload or {}).get("path")
        path = Path(found).resolve() if isinstance(found, str) and "\0" not in found else None
        if path is None or not path.is_relative_to(self.uploads.resolve()) or not path.is_file():
            raise Refused("app.gone")
        original = (payload or {}).get("orig_name")
        name = PurePosixPath(original.replace("\\", "/")).name if isinstance(original, str) else ""
        return path, printable(name or path.name)[-MOST_OF_A_NAME:]

    def take_away(self, path: Path) -> Path:
        """Move an upload to a folder of its own, where nobody else removes it; the folder is the caller's to remove.

        Raises:
            Refused: somebody else was faster.
        """
        place = self.folder / "taken" / secrets.token_hex(8)
        taken = place / f"upload{path.suffix.lower()}"
        try:
            place.mkdir(parents=True)
            shutil.move(path, taken)
        except OSError:
            raise Refused("app.gone") from None
        return taken

    def remove(self, kept: str | None) -> None:
        """Remove an uploaded picture that is not shown any more."""
        if kept and Path(kept).resolve().is_relative_to(self.uploads.resolve()):
            Path(kept).unlink(missing_ok=True)


def frame(payload: Payload) -> bytes:
    """The bytes of a frame of the webcam, which comes written out in its address.

    Raises:
        UnreadableImage: it is none.
    """
    address = (payload or {}).get("url")
    kind, _, content = address.partition(",") if isinstance(address, str) else ("", "", "")
    try:
        if kind.startswith("data:image/") and kind.endswith(";base64"):
            return b64decode(content, validate=True)
    except (binascii.Error, ValueError):
        pass
    raise UnreadableImage("not a frame of a webcam")
