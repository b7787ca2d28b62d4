"""`python -m api.cli`, the same as `waybill`."""

from .main import main

if __name__ == "__main__":
    raise SystemExit(main())
