extension Broker {
    func apiVersions(_ request: ApiVersionsRequest, _ context: RequestContext) {
        context.reply(apiVersions(error: .none))
    }

    func apiVersions(error: KafkaErrorCode) -> ApiVersionsResponse {
        ApiVersionsResponse(
            errorCode: error,
            apiKeys: APIKey.allCases.map {
                .init(
                    apiKey: $0.rawValue, minVersion: $0.advertisedVersions.lowerBound,
                    maxVersion: $0.advertisedVersions.upperBound)
            })
    }

    func findCoordinator(_ request: FindCoordinatorRequest, _ context: RequestContext) {
        let error = context.injectedError() ?? (request.keyType > 1 || request.keyType < 0 ? .invalidRequest : .none)
        func find(_ key: String) -> FindCoordinatorResponse.Coordinator {
            guard error == .none else { return .init(key: key, nodeID: -1, host: "", port: -1, errorCode: error) }
            // Groups are coordinated by the first node, transactions by the leader of the partition they belong to.
            guard let node = request.keyType == 0 ? 1 : coordinatorNode(of: key) else {
                return .init(key: key, nodeID: -1, host: "", port: -1, errorCode: .coordinatorNotAvailable)
            }
            let endpoint = endpoints[Int(node) - 1]
            return .init(key: key, nodeID: node, host: endpoint.host, port: Int32(endpoint.port))
        }
        if context.version >= 4 {
            return context.reply(FindCoordinatorResponse(coordinators: request.coordinatorKeys.map(find)))
        }
        let found = find(request.key)
        context.reply(
            FindCoordinatorResponse(
                errorCode: found.errorCode, nodeID: found.nodeID, host: found.host, port: found.port))
    }
}
