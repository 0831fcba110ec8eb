// The command line: everything is in cli/.

#include "cli/command.hpp"

int main(int argc, char** argv) { return phala::cli::run(argc, argv); }
