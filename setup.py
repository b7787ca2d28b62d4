"""The installed name of `api/`: the folder's own would overwrite, and be overwritten by, any application's `api`.

Everything else about the build is in pyproject.toml, which can rename a package only if all of them are listed by hand.
"""

from setuptools import find_namespace_packages, setup

packages = find_namespace_packages(include=["masking*", "print_templates*"], exclude=["print_templates.fonts*"])
service = find_namespace_packages(include=["api*"])
setup(
    packages=[*packages, *("waybill_service" + name.removeprefix("api") for name in service)],
    package_dir={"waybill_service": "api"},
)
