// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

// Stock XNNPACK operators on NHWC activations, masked weights expanded to dense.
#pragma once

#include "network.h"

namespace colonnade {

class NhwcNetwork : public Network {
 public:
  using Network::Network;

  // The image is taken as NHWC: its conversion takes no time here.
  void load(const std::string& name, const float* nchw) override;

 protected:
  void build_node(const Node& node) override { node.operation->build(*this, node); }
  void store(const std::string& name, float* nchw) const override;
};

}  // namespace colonnade
