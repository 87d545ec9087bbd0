"""The files that are copied to where a server runs, beside the model.

Each stands alone: it imports nothing of this project but its neighbours here, by the bare
names that they have in a model archive, where all files are in one folder.
"""

from pathlib import Path

FOLDER = Path(__file__).parent
