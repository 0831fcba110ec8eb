#pragma once
// Why: one commitment to a whole state. This is Substrate's base-16 Patricia-Merkle trie with BLAKE2b-256, state version 0
// (every value inside its node), so that roots and proofs are those that wallets, bridges and light clients check.
//
// Node format: header ‖ partial key ‖ [children bitmap, u16 LE] ‖ [compact length, value] ‖ children (compact length, reference).
// Header: top two bits 01 leaf, 10 branch, 11 branch with value; low six bits count the partial key's nibbles, 63 continuing in
// further bytes. A reference is the child's own encoding when that is shorter than 32 bytes, else its BLAKE2b-256.
// The root is always hashed; the empty trie is the byte 0.

#include "trie/memory_trie.hpp"
#include "trie/proof.hpp"
#include "trie/root.hpp"
#include "trie/update.hpp"
