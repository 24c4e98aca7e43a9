// Runs one of the programs with known counts: known walk|matrix|sharing|rings|short|long.

#include "known.hpp"

#include <string_view>

int main(int argc, char** argv) {
  const std::string_view name = argc == 2 ? argv[1] : "";
  if (name == "walk") {
    walk();
  } else if (name == "short" || name == "long") {
    walk_often(name == "long");
  } else if (name == "sharing") {
    share();
  } else if (name == "matrix") {
    return multiply() ? 0 : 1;
  } else if (name == "rings") {
    return pass_through_rings() ? 0 : 1;
  } else {
    return 2;
  }
}
