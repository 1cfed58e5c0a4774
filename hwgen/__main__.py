"""``python -m hwgen`` is the command ``hwgen``."""

from .cli import main

if __name__ == "__main__":
    main()
