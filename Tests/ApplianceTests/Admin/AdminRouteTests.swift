import FoundationEssentials
import Testing

@testable import Appliance

/// The routes of the admin port, and what is written of them.
@Suite struct AdminRouteTests {
    @Test func `each route is found by its own path, and by its method alone`() {
        for route in AdminRoute.allCases {
            let path = route.template.split(separator: "/").map { $0.first == "{" ? "7" : String($0) }
            let found = AdminRoute.find(path)
            #expect((route.isPost ? found?.post : found?.get) == route, "\(route)")
        }
        #expect(AdminRoute.find(["api", "consumers", "a", "parked", "x", "discard"]) == nil)
        #expect(AdminRoute.find(["events", "0"]) == nil && AdminRoute.find(["events", "-1"]) == nil)
        #expect(AdminRoute.find(["events", "9223372036854775808"]) == nil)
        #expect(AdminRoute.find(["consumers", "%"])?.parameters == ["consumer": "%"])
        #expect(AdminRoute.find(["nothing"]) == nil && AdminRoute.find(["api"]) == nil)
    }

    @Test func `whatever changes something needs an operator, and whatever shows events a viewer`() {
        for route in AdminRoute.allCases {
            if route.isPost, route != .signIn, route != .signOut { #expect(route.need == .role(.operator), "\(route)") }
            if route.isForEveryHost { #expect(route.need == .nothing, "\(route)") }
            if route.searches { #expect(!route.isPost && !route.isForEveryHost, "\(route)") }
            if route.isPage { #expect(route.need == .role(.viewer), "\(route)") }
        }
    }

    @Test func `the description of the API is the one of the routes, and has every one of them`() throws {
        let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent().appending(path: "config")
        let file = String(decoding: try Data(contentsOf: folder.appending(path: "openapi.json")), as: UTF8.self)
        #expect(file == APIDescription.document.indentedText + "\n", "run: godwit config api > config/openapi.json")
        guard case .object(let paths)? = APIDescription.document["paths"] else {
            throw Failure(.internalError, "no paths")
        }
        let described = paths.reduce(0) { count, path in
            guard case .object(let methods) = path.value else { return count }
            return count + methods.count
        }
        let wanted = AdminRoute.allCases.filter {
            $0.template.hasPrefix("/api/") || [.health, .ready, .metrics].contains($0)
        }
        #expect(described == wanted.count && Set(paths.map(\.name)) == Set(wanted.map(\.template)))
        guard case .object(let schemas) = APISchemas.all else { throw Failure(.internalError, "no schemas") }
        let named = Set(schemas.map(\.name))
        for route in wanted {
            for schema in [route.bodySchema, route.answerSchema].compactMap(\.self) { #expect(named.contains(schema)) }
        }
    }

    @Test func `what a request for a job or for parked events may say is what is described`() throws {
        func names(_ schema: String) -> Set<String> {
            guard case .object(let members)? = APISchemas.all[schema]?["properties"] else { return [] }
            return Set(members.map(\.name))
        }
        #expect(names("JobRequest") == Set(JobRequest.names).subtracting(["token", "form_token", "back"]))
        #expect(Set(AdminRoute.apiEvents.queryParameters.map(\.name)) == Set(EventSearch.names))
        #expect(Set(AdminRoute.apiAudit.queryParameters.map(\.name)) == Set(AuditTrail.Search.names))
        #expect(Set(AdminRoute.apiParked.queryParameters.map(\.name)) == Set(ParkedSearch.names))
    }
}
