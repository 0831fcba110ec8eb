//! Writes vectors of the original trie (state version 0, BLAKE2b-256) to stdout: `cargo run --release > ../../golden/trie/vectors.txt`.
//! One statement a line, bytes as 0x-hex:
//!   set NAME            start from an empty trie
//!   put KEY VALUE       del KEY
//!   gen COUNT SIZE      put COUNT entries: key = blake2_256(i as u32 LE), value = the key repeated to SIZE bytes
//!   root HASH           of what is there now
//!   prove KEY… = NODE…  the storage proof of reading these keys, sorted
//!   list HASH ITEM…     root of a list whose keys are compact indices
use sp_core::{Blake2Hasher, Hasher, H256};
use sp_trie::{recorder::Recorder, LayoutV0, PrefixedMemoryDB, Trie, TrieConfiguration, TrieDBBuilder, TrieDBMutBuilder, TrieMut};
use std::collections::BTreeMap;

type L = LayoutV0<Blake2Hasher>;
type Map = BTreeMap<Vec<u8>, Vec<u8>>;

struct Random(u64);
impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % n
    }
    fn bytes(&mut self, len: usize) -> Vec<u8> {
        (0..len).map(|_| self.below(256) as u8).collect()
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold("0x".into(), |s: String, b| s + &format!("{b:02x}"))
}

fn blake(bytes: &[u8]) -> Vec<u8> {
    Blake2Hasher::hash(bytes).as_bytes().to_vec()
}

fn stored(map: &Map) -> (PrefixedMemoryDB<Blake2Hasher>, H256) {
    let mut db = PrefixedMemoryDB::<Blake2Hasher>::default();
    let mut root = H256::default();
    {
        let mut trie = TrieDBMutBuilder::<L>::new(&mut db, &mut root).build();
        for (k, v) in map {
            trie.insert(k, v).unwrap();
        }
        trie.commit();
    }
    (db, root)
}

fn root(map: &Map) {
    let streamed = L::trie_root(map.iter());
    assert_eq!(streamed, stored(map).1);
    println!("root {}", hex(streamed.as_bytes()));
}

fn prove(map: &Map, keys: &[Vec<u8>]) {
    let (db, root) = stored(map);
    let recorder = Recorder::<Blake2Hasher>::default();
    {
        let mut trie_recorder = recorder.as_trie_recorder(root);
        let trie = TrieDBBuilder::<L>::new(&db, &root).with_recorder(&mut trie_recorder).build();
        for key in keys {
            assert_eq!(trie.get(key).unwrap().as_ref(), map.get(key));
        }
    }
    let proof = recorder.drain_storage_proof();
    let from_proof = proof.to_memory_db::<Blake2Hasher>();
    let trie = TrieDBBuilder::<L>::new(&from_proof, &root).build();
    for key in keys {
        assert_eq!(trie.get(key).unwrap().as_ref(), map.get(key));
    }
    let mut line = String::from("prove");
    for key in keys {
        line += &format!(" {}", hex(key));
    }
    line += " =";
    for node in proof.into_iter_nodes() {
        line += &format!(" {}", hex(&node));
    }
    println!("{line}");
}

fn put(map: &mut Map, key: Vec<u8>, value: Vec<u8>) {
    println!("put {} {}", hex(&key), hex(&value));
    map.insert(key, value);
}

/// Fills a map, proves some of it, then deletes in random order, with roots between.
fn life(name: &str, random: &mut Random, count: usize, key: impl Fn(&mut Random) -> Vec<u8>, value: impl Fn(&mut Random) -> Vec<u8>) {
    println!("set {name}");
    let mut map = Map::new();
    for i in 0..count {
        let (k, v) = (key(random), value(random));
        put(&mut map, k, v);
        if i % (count / 8).max(1) == 0 {
            root(&map);
        }
    }
    root(&map);
    let keys: Vec<_> = map.keys().cloned().collect();
    for n in [1, 1, 2, 5] {
        let mut asked: Vec<_> = (0..n).map(|_| keys[random.below(keys.len())].clone()).collect();
        asked.push(key(random));
        let mut longer = asked[0].clone();
        longer.push(7);
        asked.push(longer);
        prove(&map, &asked);
    }
    let mut left = keys;
    while !left.is_empty() {
        let gone = left.swap_remove(random.below(left.len()));
        println!("del {}", hex(&gone));
        map.remove(&gone);
        if left.len() % (count / 12).max(1) == 0 || left.len() < 4 {
            root(&map);
        }
    }
}

fn main() {
    let mut random = Random(0x9e3779b97f4a7c15);
    println!("set empty");
    root(&Map::new());
    prove(&Map::new(), &[vec![1]]);

    for size in (0..40).chain([62, 63, 64, 65, 16383, 16384, 70000]) {
        println!("set one value of {size}");
        let mut map = Map::new();
        if size < 100 {
            let value = random.bytes(size);
            put(&mut map, vec![0x12, 0x34], value);
        } else {
            println!("gen 1 {size}");
            let key = blake(&0u32.to_le_bytes());
            let value = key.iter().cycle().take(size).copied().collect();
            map.insert(key, value);
        }
        root(&map);
    }
    for length in [1, 30, 31, 32, 33, 95, 96, 158, 159, 160, 161, 286, 287, 1000] {
        println!("set long keys of {length}");
        let mut map = Map::new();
        let mut key = random.bytes(length);
        for value in [5, 40] {
            let value = random.bytes(value);
            put(&mut map, key.clone(), value);
            root(&map);
            let last = key.len() - 1;
            key[last] ^= 0x11;
        }
        key.push(1);
        put(&mut map, key.clone(), vec![1]);
        root(&map);
        prove(&map, &[key]);
    }
    life("prefixes of each other", &mut random, 120,
         |r| (0..r.below(8)).map(|_| [0x00, 0x01, 0x10, 0xff][r.below(4)]).collect(),
         |r| { let n = [0, 1, 2, 26, 27, 28, 29, 30, 31, 32, 33, 34][r.below(12)]; r.bytes(n) });
    life("small inline nodes", &mut random, 60, |r| { let n = r.below(3); r.bytes(n) }, |r| { let n = r.below(3); r.bytes(n) });
    life("dense", &mut random, 300, |r| vec![r.below(256) as u8, [0, 0x80][r.below(2)]], |r| { let n = 24 + r.below(12); r.bytes(n) });
    life("like storage", &mut random, 200,
         |r| { let pallet = [0x26 + r.below(3) as u8; 32]; [pallet.to_vec(), r.bytes(8)].concat() },
         |r| { let n = r.below(50); r.bytes(n) });

    for (count, size) in [(100, 32), (1000, 31), (1000, 33), (10000, 80)] {
        println!("set generated {count} of {size}\ngen {count} {size}");
        let mut map = Map::new();
        for i in 0..count as u32 {
            let key = blake(&i.to_le_bytes());
            let value = key.iter().cycle().take(size).copied().collect();
            map.insert(key, value);
        }
        root(&map);
        prove(&map, &[blake(&7u32.to_le_bytes()), vec![0x55; 32]]);
    }
    for count in [0, 1, 2, 3, 16, 17, 63, 64, 65, 200] {
        let items: Vec<_> = (0..count).map(|_| { let n = random.below(if count > 20 { 12 } else { 200 }); random.bytes(n) }).collect();
        let root = L::ordered_trie_root(items.iter());
        println!("list {}{}", hex(root.as_bytes()), items.iter().fold(String::new(), |s, i| s + " " + &hex(i)));
    }
}
