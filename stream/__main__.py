"""`python -m stream`: the same as `facestream`."""

from stream.cli.entry import main

if __name__ == "__main__":
    main()
