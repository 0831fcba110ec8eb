# Sets PHALA_CACHE: where heavy dependencies (compiled crates, Boost's headers, built contracts) are kept between builds and clones.
# The one rule: PHALA_CACHE, else XDG_CACHE_HOME/phala, else ~/.cache/phala; an empty variable counts as none. scripts/setup.sh
# and sdk/tool/cache.py have it in their languages; tests/e2e/cli checks that they agree.
if(NOT "$ENV{PHALA_CACHE}" STREQUAL "")
  set(PHALA_CACHE "$ENV{PHALA_CACHE}")
elseif(NOT "$ENV{XDG_CACHE_HOME}" STREQUAL "")
  set(PHALA_CACHE "$ENV{XDG_CACHE_HOME}/phala")
else()
  set(PHALA_CACHE "$ENV{HOME}/.cache/phala")
endif()
