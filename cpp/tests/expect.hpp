// SPDX-License-Identifier: Apache-2.0
// The test harness: TEST registers a case under its file's unit name, EXPECT notes what failed.
#pragma once

#include <cmath>
#include <cstdio>
#include <string>
#include <vector>

namespace voxkern::test {

struct Case {
    std::string unit;
    std::string name;
    void (*run)();
};

inline std::vector<Case>& cases() {
    static std::vector<Case> all;
    return all;
}

inline int& failures() {
    static int count = 0;
    return count;
}

struct Register {
    Register(const char* unit, const char* name, void (*run)()) { cases().push_back({unit, name, run}); }
};

}  // namespace voxkern::test

#define TEST(unit, name)                                                                        \
    static void unit##_##name();                                                                \
    static const voxkern::test::Register register_##unit##_##name(#unit, #name, unit##_##name); \
    static void unit##_##name()

#define EXPECT(condition)                                                       \
    do {                                                                        \
        if (!(condition)) {                                                     \
            ++voxkern::test::failures();                                        \
            std::printf("%s:%d: failed: %s\n", __FILE__, __LINE__, #condition); \
        }                                                                       \
    } while (false)

#define EXPECT_NEAR(a, b, tolerance)                                                                          \
    do {                                                                                                      \
        const double voxkern_a = static_cast<double>(a);                                                      \
        const double voxkern_b = static_cast<double>(b);                                                      \
        if (!(std::fabs(voxkern_a - voxkern_b) <= (tolerance))) {                                             \
            ++voxkern::test::failures();                                                                      \
            std::printf("%s:%d: %s = %.17g, expected %.17g\n", __FILE__, __LINE__, #a, voxkern_a, voxkern_b); \
        }                                                                                                     \
    } while (false)

#define EXPECT_THROWS(Type, statement)                                                          \
    do {                                                                                        \
        bool voxkern_thrown = false;                                                            \
        try {                                                                                   \
            statement;                                                                          \
        } catch (const Type&) {                                                                 \
            voxkern_thrown = true;                                                              \
        }                                                                                       \
        if (!voxkern_thrown) {                                                                  \
            ++voxkern::test::failures();                                                        \
            std::printf("%s:%d: %s did not throw %s\n", __FILE__, __LINE__, #statement, #Type); \
        }                                                                                       \
    } while (false)
