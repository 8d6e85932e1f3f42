"""Experiments on synthetic streets."""
