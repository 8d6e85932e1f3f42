"""What goes into the package: all of `mpm`, and the weights of `assets`. All else is in pyproject.toml."""

from setuptools import find_packages, setup

setup(
    # Not by the table in pyproject.toml: it finds packages, but cannot add one that lies elsewhere.
    packages=[*find_packages(include=["mpm", "mpm.*"]), "mpm.assets"],
    package_dir={"mpm.assets": "assets"},
    package_data={"mpm": ["py.typed"], "mpm.assets": ["LICENSE", "streets-vit-tiny/*"]},
)
