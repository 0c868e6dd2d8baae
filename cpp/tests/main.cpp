// SPDX-License-Identifier: Apache-2.0
// voxkern_tests [UNIT]: runs every case of one unit, or all.
#include <exception>

#include "expect.hpp"

int main(int argc, char** argv) {
    const std::string unit = argc > 1 ? argv[1] : "";
    int passed = 0;
    int failed = 0;
    for (const auto& one : voxkern::test::cases()) {
        if (!unit.empty() && one.unit != unit) continue;
        const int before = voxkern::test::failures();
        try {
            one.run();
        } catch (const std::exception& error) {
            ++voxkern::test::failures();
            std::printf("%s.%s threw: %s\n", one.unit.c_str(), one.name.c_str(), error.what());
        }
        const bool ok = voxkern::test::failures() == before;
        ++(ok ? passed : failed);
        std::printf("%s %s.%s\n", ok ? "ok  " : "FAIL", one.unit.c_str(), one.name.c_str());
    }
    std::printf("%d passed, %d failed\n", passed, failed);
    return failed == 0 && passed > 0 ? 0 : 1;
}
