"""What may be shown: masked views of names, phones, addresses and free text. Pure, no keys."""
