/// Whether the process of a configuration lives, whatever it can do at the moment.
package enum ProcessLife: Sendable {
    case answers
    case isSilent(address: String)
    /// It has no admin port, so that only its own existence shows.
    case cannotBeAsked

    package static func ask(_ configuration: Configuration) async -> ProcessLife {
        guard let address = configuration.admin.listen else { return .cannotBeAsked }
        return await AdminClient.get("/healthz", from: address) == nil ? .isSilent(address: "\(address)") : .answers
    }

    package var text: String {
        switch self {
        case .answers: "the process answers"
        case .isSilent(let address): "no process answers at \(address)"
        case .cannotBeAsked: "the process cannot be asked: admin.listen is not configured"
        }
    }

    package var exitStatus: ExitStatus {
        switch self {
        case .answers, .cannotBeAsked: .success
        case .isSilent: .unhealthy
        }
    }
}
