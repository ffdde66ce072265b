// expect: StepsInTiles
#include <polis/env/tiled_env.hpp>
#include <polis/envs/classic/mountain_car.hpp>

using namespace polis;

int main() {
  TiledEnv<MountainCar> lanes(4, 1);
  lanes.reset();
}
