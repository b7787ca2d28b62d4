"""Aliyun's number protection service, a provider that connects calls."""
