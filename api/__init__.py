"""The HTTP service and the command `waybill`. Rules about parcels are in `masking`."""
