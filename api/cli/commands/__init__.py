"""One file per command of `waybill`."""
