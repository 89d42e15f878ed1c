/// `DescribeCluster`: the cluster's id and nodes.
enum DescribeCluster {
    struct Request: RequestBody {
        var endpointType: Int8 = 1

        mutating func fields(_ wire: inout Coder) {
            wire.unused("include_cluster_authorized_operations", false)
            wire(&endpointType, 1...)
            wire.unused("include_fenced_brokers", false, 2...)
        }
    }

    struct Response: ErrorAnswer {
        var error = KafkaErrorCode.none
        var endpointType: Int8 = 1
        var clusterID = ""
        var nodes: [Node] = []

        mutating func fields(_ wire: inout Coder) {
            wire.throttleTime()
            wire(&error)
            wire.unused("error_message", String?.none)
            wire(&endpointType, 1...)
            wire(&clusterID)
            wire.unused("controller_id", Int32(1))
            wire(&nodes)
            wire.unused("cluster_authorized_operations", Int32.min)
        }
    }

    struct Node: Message {
        var address = NodeAddress()

        mutating func fields(_ wire: inout Coder) {
            wire(&address.id, &address.host, &address.port)
            wire.unused("rack", String?.none)
            wire.unused("is_fenced", false, 2...)
        }
    }
}

extension Broker {
    func describeCluster(
        _ request: DescribeCluster.Request, _ context: RequestContext
    ) throws(KafkaErrorCode) -> DescribeCluster.Response {
        DescribeCluster.Response(
            endpointType: request.endpointType, clusterID: clusterID,
            nodes: addresses.map(DescribeCluster.Node.init))
    }
}
