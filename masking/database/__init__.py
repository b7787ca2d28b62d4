"""Connections, schemas and hot SQL of the two databases; the layer that everything stored is built on."""
