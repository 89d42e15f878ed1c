/// The API of the admin port in OpenAPI 3.1, made from the same routes that requests are answered by.
package enum APIDescription {
    package static let document: JSONValue = [
        "openapi": "3.1.0",
        "info": [
            "title": "Godwit", "version": "1",
            "description":
                "What the admin port of a relay shows and changes. Who changes something sends the operators' token; where a token is configured, events, parked events, processes and the audit need one to be looked at.",
            "license": ["name": "Apache-2.0", "identifier": "Apache-2.0"],
        ],
        "servers": [["url": "/"]],
        "paths": .object(paths),
        "components": [
            "securitySchemes": [
                "token": [
                    "type": "http", "scheme": "bearer",
                    "description": "`admin.token`, or `admin.viewer_token` to look only",
                ],
                "session": [
                    "type": "apiKey", "in": "cookie", "name": "godwit_9464",
                    "description":
                        "Of a browser that has signed in at /signin; to look only. The name ends with the port.",
                ],
            ],
            "schemas": APISchemas.all,
        ],
    ]

    /// Those that programs use: the pages, and signing in, are for browsers.
    static let routes = AdminRoute.allCases.filter { route in
        route.template.hasPrefix("/api/") || [.health, .ready, .metrics].contains(route)
    }

    private static var paths: [JSONValue.Member] {
        var paths: [JSONValue.Member] = []
        for route in routes {
            let method = JSONValue.Member(route.isPost ? "post" : "get", operation(route))
            if let index = paths.firstIndex(where: { $0.name == route.template }) {
                guard case .object(let members) = paths[index].value else { continue }
                paths[index].value = .object(members + [method])
            } else {
                paths.append(.init(route.template, .object([method])))
            }
        }
        return paths
    }

    private static func operation(_ route: AdminRoute) -> JSONValue {
        var members: [JSONValue.Member] = [
            .init("operationId", .string("\(route)")), .init("summary", .string(route.summary)),
        ]
        switch route.need {
        case .nothing: members.append(.init("security", []))
        case .role(.operator): members.append(.init("security", [["token": []]]))
        // Where no token is configured, none is needed.
        case .role: members.append(.init("security", [["token": []], ["session": []], [:]]))
        }
        let parameters = parameters(route)
        if !parameters.isEmpty { members.append(.init("parameters", .array(parameters))) }
        if route.isPost {
            let schema =
                route.bodySchema.map { ["$ref": .string("#/components/schemas/\($0)")] as JSONValue }
                ?? APISchemas.actor
            members.append(
                .init(
                    "requestBody",
                    [
                        "required": .boolean(route.bodySchema != nil),
                        "content": ["application/json": ["schema": schema]],
                    ]))
        }
        members.append(.init("responses", responses(route)))
        return .object(members)
    }

    private static func parameters(_ route: AdminRoute) -> [JSONValue] {
        let inPath = route.template.split(separator: "/").filter { $0.first == "{" }.map { part -> JSONValue in
            let name = String(part.dropFirst().dropLast())
            let schema: JSONValue =
                name == "position"
                ? ["type": "integer", "format": "int64", "minimum": 1] : ["type": "string", "minLength": 1]
            return ["name": .string(name), "in": "path", "required": true, "schema": schema]
        }
        let inQuery = route.queryParameters.map { parameter -> JSONValue in
            [
                "name": .string(parameter.name), "in": "query", "required": false,
                "description": .string(parameter.meaning), "schema": parameter.schema,
            ]
        }
        return inPath + inQuery
    }

    private static func responses(_ route: AdminRoute) -> JSONValue {
        func text(_ description: String) -> JSONValue {
            ["description": .string(description), "content": ["text/plain": ["schema": ["type": "string"]]]]
        }
        func error(_ description: String) -> JSONValue {
            [
                "description": .string(description),
                "content": ["application/json": ["schema": ["$ref": "#/components/schemas/Error"]]],
            ]
        }
        if !route.template.hasPrefix("/api/") {
            var members: [JSONValue.Member] = [.init("200", text("It is"))]
            if route == .ready { members.append(.init("503", text("Why it is not, a line for each reason"))) }
            return .object(members)
        }
        let schema =
            route.answerSchema.map { ["$ref": .string("#/components/schemas/\($0)")] as JSONValue } ?? [
                "type": "object"
            ]
        let answer: JSONValue =
            route.isList ? ["type": "array", "items": schema] : schema
        var members: [JSONValue.Member] = [
            .init(
                "200",
                ["description": "Done, or what was asked for", "content": ["application/json": ["schema": answer]]])
        ]
        if route == .makeJob || route == .repeatJob {
            members.append(
                .init("201", ["description": "Made", "content": ["application/json": ["schema": answer]]]))
        }
        if route.isPost || !route.queryParameters.isEmpty {
            members.append(.init("400", error("What was asked for is wrong, and how")))
        }
        if route.need != .nothing { members.append(.init("401", error("No token, or a wrong one"))) }
        if route.isPost || !route.isForEveryHost {
            members.append(
                .init("403", error("Who asks may not; or nothing can be changed, since no token is configured")))
        }
        if route.template.contains("{") { members.append(.init("404", error("There is none"))) }
        if route.isPost { members.append(.init("409", error("It cannot be done as things are"))) }
        if route.isPost { members.append(.init("413", text("The body has more than 64 KiB"))) }
        if route != .apiDescription { members.append(.init("503", error("The database does not answer"))) }
        return .object(members)
    }
}
