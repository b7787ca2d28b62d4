"""`waybill demo`: one order after another walks the whole path, and every line printed is checked."""
