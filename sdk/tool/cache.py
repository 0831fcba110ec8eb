"""Where heavy things are kept between builds and clones: the rule of cmake/PhalaCache.cmake."""
import os


def path(*parts):
    caches = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return os.path.join(os.environ.get("PHALA_CACHE") or os.path.join(caches, "phala"), *parts)
