#pragma once
// Why: the layers below the command line, for every program of ours alike: the environment beats the file. An option `--rpc-port` of
// phala-node is PHALA_NODE_RPC_PORT in the environment and `rpc-port = 9944` in the TOML file.

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.hpp"

namespace phala::config {

/// What a layer says of one option, and where: "environment PHALA_RPC", "file phala.toml:3".
struct Given {
  std::vector<std::string> values;
  std::string origin;
};

class Layers {
 public:
  /// `program`: "phala-node". `file`: the one of --config; when empty, that of PHALA_NODE_CONFIG, if any. Errors name file and line;
  /// a key that `known` refuses is one.
  static Result<Layers> read(std::string program, std::string file, const std::function<bool(std::string_view key)>& known);
  /// `key` without dashes in front: "rpc-port".
  std::optional<Given> find(std::string_view key) const;

 private:
  std::string program_;
  std::map<std::string, Given, std::less<>> file_;
};

/// "PHALA_NODE_RPC_PORT" of "phala-node" and "rpc-port".
std::string environment_name(std::string_view program, std::string_view key);

}  // namespace phala::config
