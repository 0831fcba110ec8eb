// What the proof must refuse, one effect at a time (-DEFFECT=…); 0 is none.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <random>

extern "C" long effect() {
#if EFFECT == 0
  return 0;
#elif EFFECT == 1
  return std::chrono::system_clock::now().time_since_epoch().count();
#elif EFFECT == 2
  return std::chrono::steady_clock::now().time_since_epoch().count();
#elif EFFECT == 3
  return time(nullptr);
#elif EFFECT == 4
  return std::random_device()();
#elif EFFECT == 5
  return std::fopen("/etc/hostname", "r") != nullptr;
#elif EFFECT == 6
  return std::getenv("HOME") != nullptr;
#elif EFFECT == 7
  return std::puts("told the world");
#elif EFFECT == 8
  extern int socket(int, int, int);
  return socket(2, 1, 0);
#endif
}
