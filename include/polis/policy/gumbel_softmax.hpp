// The relaxation of Discrete actions by which a critic's gradient reaches an actor that chooses one of them
// (Jang, Gu and Poole 2017; Maddison, Mnih and Teh 2017; in MADDPG: Lowe et al. 2017).
#pragma once

#include <polis/core/array.hpp>
#include <polis/core/math.hpp>
#include <polis/core/word.hpp>
#include <polis/policy/actor.hpp>
#include <polis/space/space.hpp>

namespace polis {

/// The word: hard Gumbel-softmax, straight through. Forward the action is the one of the greatest
/// logit + Gumbel number, a sample of the softmax; backward it is softmax((logits + numbers) / temperature).
struct GumbelSoftmax {
  using word = word::Actor;
  struct Config {
    float temperature = 1.f;  ///< of the softmax that derivatives are taken of
    static constexpr void fields(auto& self, auto&& visit) { visit("temperature", self.temperature); }
  };
  template <Space S>
    requires(S::kind == SpaceKind::discrete)
  struct HeadOn {
    using Config = GumbelSoftmax::Config;
    static constexpr int inputs = S::size, features = S::size, noise = S::size;
    static constexpr bool entropic = false, expected = false, targeted = true, cautious = false;

    template <class T>
    POLIS_HD static T sample(const Config&, In<T> logits, In<T> mask, In<T> uniforms, Out<T> action) {
      set_greatest<T>(perturbed<T>(logits, mask, uniforms), action);
      return math::constant<T>(0);
    }
    template <class T>
    POLIS_HD static T next(const Config& config, In<T> logits, In<T> mask, In<T> uniforms, Out<T> action) {
      return sample<T>(config, logits, mask, uniforms, action);
    }
    template <class T>
    POLIS_HD static void greedy(const Config&, In<T> logits, In<T> mask, Out<T> action) {
      set_greatest<T>(legal<T>(logits, mask), action);
    }
    /// With p that softmax: d logit_i = p_i (d action_i - sum p d action) / temperature.
    template <class T>
    POLIS_HD static void backward(const Config& config, In<T> logits, In<T> mask, In<T> uniforms,
                                  In<T> /*action*/, In<T> d_action, const T& /*d_log_prob*/,
                                  Out<T> d_logits) {
      const Array<T, inputs> z = perturbed<T>(logits, mask, uniforms);
      const T one = math::constant<T>(1), inverse = one / T(config.temperature);
      T greatest = z[0], sum = math::constant<T>(0), mean = sum;
      for (int i = 1; i < inputs; ++i) greatest = math::max(greatest, z[i]);
      Array<T, inputs> p{};
      for (int i = 0; i < inputs; ++i) {
        p[i] = math::exp((z[i] - greatest) * inverse);
        sum = sum + p[i];
        mean = math::fma(p[i], d_action[i], mean);
      }
      const T scale = one / sum;
      mean = mean * scale;
      for (int i = 0; i < inputs; ++i) d_logits.set(i, p[i] * scale * inverse * (d_action[i] - mean));
    }

   private:
    /// The logits, those of illegal actions far below any other.
    template <class T>
    POLIS_HD static Array<T, inputs> legal(In<T> logits, In<T> mask) {
      Array<T, inputs> z{};
      for (int i = 0; i < inputs; ++i) {
        z[i] = logits[i];
        if (mask) z[i] = math::select(mask[i] != math::constant<T>(0), z[i], math::constant<T>(-1e30));
      }
      return z;
    }
    /// The same plus Gumbel numbers -log(-log u), u moved off 0, and kept off the 1 that it would round to.
    template <class T>
    POLIS_HD static Array<T, inputs> perturbed(In<T> logits, In<T> mask, In<T> uniforms) {
      Array<T, inputs> z = legal<T>(logits, mask);
      const T most = math::constant<T>(1 - 0x1p-24);
      for (int i = 0; i < inputs; ++i) {
        const T u = math::min(uniforms[i] + math::constant<T>(0x1p-25), most);
        z[i] = z[i] - math::log(-math::log(u));
      }
      return z;
    }
    /// 1 for the greatest, the first of equals; 0 for the others.
    template <class T>
    POLIS_HD static void set_greatest(const Array<T, inputs>& z, Out<T> action) {
      const T zero = math::constant<T>(0), one = math::constant<T>(1);
      T greatest = z[0], index = zero;
      for (int i = 1; i < inputs; ++i) {
        index = math::select(z[i] > greatest, math::constant<T>(i), index);
        greatest = math::max(greatest, z[i]);
      }
      for (int i = 0; i < inputs; ++i) {
        action.set(i, math::select(index == math::constant<T>(i), one, zero));
      }
    }
  };
  template <class S>
  using head = HeadOn<S>;
};

}  // namespace polis
