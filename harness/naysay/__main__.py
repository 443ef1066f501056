"""``python -m naysay``: the same as the command ``naysay``."""

from naysay.cli.main import main

if __name__ == "__main__":
    main()
