"""What the tests share: people, parcels, stores, servers and programs. `tests/README.md` says where each helper is."""
