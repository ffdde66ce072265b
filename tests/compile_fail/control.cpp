// expect: ok
#include <polis/core/error.hpp>

int main() { throw polis::Error("a thing is wrong", "here", "a right one"); }
