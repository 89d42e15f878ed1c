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
        let node = 1
        let endpoint = endpoints[node - 1]
        if context.version >= 4 {
            context.reply(
                FindCoordinatorResponse(
                    coordinators: request.coordinatorKeys.map { key in
                        error == .none
                            ? .init(key: key, nodeID: Int32(node), host: endpoint.host, port: Int32(endpoint.port))
                            : .init(key: key, nodeID: -1, host: "", port: -1, errorCode: error)
                    }))
        } else if error == .none {
            context.reply(
                FindCoordinatorResponse(nodeID: Int32(node), host: endpoint.host, port: Int32(endpoint.port)))
        } else {
            context.reply(FindCoordinatorResponse(errorCode: error, nodeID: -1, host: "", port: -1))
        }
    }
}
