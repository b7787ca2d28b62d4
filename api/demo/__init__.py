"""`waybill demo`: sample orders from checkout to erased data, with every printed line checked."""
