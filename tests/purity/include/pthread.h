// OpenSSL's headers name these types; wasm32 has no threads, and nothing here uses one.
#pragma once
typedef int pthread_once_t;
typedef unsigned pthread_key_t;
typedef unsigned long pthread_t;
