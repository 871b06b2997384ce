// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

// oneDNN has several implementations of a convolution, each for layouts of its own, and lists them in an order that is made
// for other cores: all that it has vector code for are tried.
#include <algorithm>
#include <cmath>
#include <initializer_list>
#include <set>
#include <unordered_map>

#include <oneapi/dnnl/dnnl.hpp>

#include "arena.h"
#include "baseline.h"

namespace colonnade {
namespace {

using dnnl::algorithm;
using dnnl::memory;
using Description = dnnl::convolution_forward::primitive_desc;
using Tag = memory::format_tag;

const dnnl::engine& cpu() {
  static const dnnl::engine engine(dnnl::engine::kind::cpu, 0);
  return engine;
}

dnnl::stream& queue() {
  static dnnl::stream stream(cpu());
  return stream;
}

memory::dims dims(std::initializer_list<size_t> sizes) { return {sizes.begin(), sizes.end()}; }
memory::dims input_size(const ConvShape& s) { return dims({s.batch, s.in_channels, s.height, s.width}); }
memory::dims output_size(const ConvShape& s) { return dims({s.batch, s.out_channels, s.out_height(), s.out_width()}); }
memory::dims weights_size(const ConvShape& s) { return dims({s.out_channels, s.in_channels, s.kernel[0], s.kernel[1]}); }

memory::desc floats(const memory::dims& size, Tag tag) { return {size, memory::data_type::f32, tag}; }

memory in_arena(const memory::desc& desc) { return {desc, cpu(), arena_allocate(std::max<size_t>(desc.get_size(), 1))}; }

float* data(const memory& of) { return static_cast<float*>(of.get_data_handle()); }

void reorder(const memory& from, const memory& to) {
  dnnl::reorder(from, to).execute(queue(), const_cast<memory&>(from), const_cast<memory&>(to));
  queue().wait();
}

// Values of one layout in another.
memory arranged(const std::vector<float>& values, const memory::dims& size, Tag from, const memory::desc& to) {
  const memory given(floats(size, from), cpu(), const_cast<float*>(values.data())), out = in_arena(to);
  reorder(given, out);
  return out;
}

dnnl::primitive_attr attributes(const ConvCase& conv, bool fused) {
  dnnl::primitive_attr attr;
  attr.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  if (!fused) return attr;
  dnnl::post_ops ops;
  if (!conv.residual.empty()) ops.append_sum(1.0f);
  if (conv.output_min == 0) ops.append_eltwise(algorithm::eltwise_relu, 0, 0);
  attr.set_post_ops(ops);
  return attr;
}

// One of oneDNN's ways to compute a convolution: the `index`th implementation that it lists.
struct Way {
  Tag layout;
  algorithm by;
  bool fused;  // residual and clamp are oneDNN's own, in the place of a pass behind it
  int index;

  // Empty where there is none.
  Description describe(const ConvCase& conv) const {
    const ConvShape& s = conv.shape;
    Description found(cpu(), dnnl::prop_kind::forward_inference, by, floats(input_size(s), layout),
                      floats(weights_size(s), Tag::any), floats(dims({s.out_channels}), Tag::a), floats(output_size(s), layout),
                      dims({s.stride[0], s.stride[1]}), dims({s.dilation[0] - 1, s.dilation[1] - 1}),
                      dims({s.padding[0], s.padding[1]}), dims({s.padding[2], s.padding[3]}), attributes(conv, fused),
                      /*allow_empty=*/true);
    for (int i = 0; found && i < index; i++) {
      // Copies of a description share what this changes.
      if (!found.next_impl()) return {};
    }
    return found;
  }
};

bool is_nhwc(const Description& description) {
  const memory::desc input = description.src_desc();
  return input == memory::desc(input.get_dims(), input.get_data_type(), Tag::nhwc);
}

std::string name_of(const Way& way, const Description& description) {
  const dnnl_version_t* version = dnnl::version();
  const std::string number = std::to_string(version->major) + "." + std::to_string(version->minor) + "." + std::to_string(version->patch);
  return number + " " + description.impl_info_str() + (is_nhwc(description) ? " nhwc" : " nchw") + (way.fused ? " fused" : "");
}

// The others are reference code, compiled without vectors.
bool is_vector_code(const Description& description) { return std::string(description.impl_info_str()).find("rvv") != std::string::npos; }

std::vector<Way> find_ways(const ConvCase& conv) {
  std::vector<Way> ways;
  std::set<std::string> names;
  const bool has_finish = !conv.residual.empty() || conv.output_min == 0;
  for (const Tag layout : {Tag::nhwc, Tag::nchw, Tag::any}) {
    for (const algorithm by : {algorithm::convolution_direct, algorithm::convolution_winograd}) {
      for (const bool fused : {false, true}) {
        if (fused && !has_finish) continue;
        for (Way way{layout, by, fused, 0};; way.index++) {
          const Description description = way.describe(conv);
          if (!description) break;
          const bool has_layouts = description.weights_desc().get_format_kind() != memory::format_kind::any;
          if (has_layouts && is_vector_code(description) && names.insert(name_of(way, description)).second) ways.push_back(way);
        }
      }
    }
  }
  return ways;
}

class OneDnn final : public Baseline {
 public:
  OneDnn(const ConvCase& conv, const Way& way, const Description& description)
      : conv_(conv),
        name_(name_of(way, description)),
        fused_(way.fused),
        convolution_(description),
        output_(in_arena(description.dst_desc())) {
    const ConvShape& s = conv.shape;
    arguments_ = {
        {DNNL_ARG_SRC, arranged(conv.input, input_size(s), Tag::nchw, description.src_desc())},
        {DNNL_ARG_WEIGHTS, arranged(conv.dense_weights(), weights_size(s), Tag::ohwi, description.weights_desc())},
        {DNNL_ARG_BIAS, arranged(conv.bias, dims({s.out_channels}), Tag::a, description.bias_desc())},
        {DNNL_ARG_DST, output_},
        {DNNL_ARG_SCRATCHPAD, in_arena(description.scratchpad_desc())},
    };
    if (!conv.residual.empty()) residual_ = arranged(conv.residual, output_size(s), Tag::nchw, description.dst_desc());
    reset();
  }

  std::string name() const override { return name_; }

  // A sum is into the residual itself.
  void reset() override {
    if (fused_ && residual_) std::copy_n(data(residual_), count(), data(output_));
  }

  void run() override {
    convolution_.execute(queue(), arguments_);
    if (!fused_) finish();
  }

  std::vector<float> output() const override {
    std::vector<float> values(count());
    const memory out(floats(output_size(conv_.shape), Tag::nchw), cpu(), values.data());
    reorder(output_, out);
    return values;
  }

 private:
  size_t count() const { return conv_.shape.positions() * conv_.shape.out_channels; }

  void finish() {
    const float low = conv_.output_min, high = conv_.output_max;
    float* output = data(output_);
    if (residual_) {
      const float* residual = data(residual_);
      for (size_t i = 0, end = count(); i < end; i++) output[i] += residual[i];
    }
    if (std::isinf(low) && std::isinf(high)) return;
    for (size_t i = 0, end = count(); i < end; i++) {
      const float value = output[i] < low ? low : output[i];
      output[i] = value > high ? high : value;
    }
  }

  const ConvCase& conv_;
  std::string name_;
  bool fused_;
  dnnl::convolution_forward convolution_;
  memory output_;
  memory residual_;
  std::unordered_map<int, memory> arguments_;
};

}  // namespace

std::unique_ptr<Baseline> prepare_onednn(const ConvCase& conv, size_t candidate) {
  const std::vector<Way> ways = find_ways(conv);
  if (candidate >= ways.size()) return nullptr;
  return std::make_unique<OneDnn>(conv, ways[candidate], ways[candidate].describe(conv));
}

}  // namespace colonnade
