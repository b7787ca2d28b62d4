"""Registers of the words that callers see: reasons of refusals, rules, kinds of alarms."""
