#compdef countersign
# zsh completion for countersign, printed by
# `countersign help --completion zsh`

_countersign_ca()
{
    local -a names
    names=(
        'init:make a CA\: a root, an issuing CA, a store'
        'issue:make a key and have it certified'
        'sign:certify the key of a signing request'
        'renew:the next certificate for the key in a folder'
        'revoke:certificates that are not to be trusted any more'
        'list:what was issued'
        'show:one certificate and its record, or the CA itself'
        'crl:the revocation list'
        'token:a join token\: who has it may enrol once'
        'profiles:what may be issued\: keys, names, usages, lifetimes'
        'rotate:from one CA certificate to the next'
        'backup:a copy of the CA as a new folder'
        'restore:make the CA what a backup is, and what happened since'
        'sweep:move what has expired into the archives'
        'serve:answer over the network\: enrolment, renewal, lists, events'
        'audit:the log of all that the CA did')
    if (( CURRENT == 2 )); then
        _describe -t commands command names
        return
    fi
    shift words
    (( CURRENT-- ))
    case $words[1] in
    (init) _arguments -S \
        '--json[print JSON for programs]' \
        '--dir=[the CA'\''s folder (/var/lib/countersign/ca)]:DIR:_files -/' \
        '--passphrase-file=[its first line opens the CA'\''s keys]:FILE:_files' \
        '--name=[what the CA is called]:NAME: ' \
        '--domain=[keep the CA to these, commas between them]:DOMAINS: ' \
        '--root-ttl=[how long the root lives (10y)]:TIME: ' \
        '--issuer-ttl=[how long an issuing CA lives (1y)]:TIME: ' \
        '--key=[ec-p256 (default), ec-p384, ed25519, rsa-3072]:KIND: ' \
        '--url=[where others reach the CA: certificates say so]:URL: ' \
        '(-h --help)-h[say what the command does]' \
        '(-h --help)--help[say what the command does]' ;;
    (issue) _arguments -S \
        '(-c --config)-c+[the configuration file]:FILE:_files' \
        '(-c --config)--config=[the configuration file]:FILE:_files' \
        '(-p --prefix)-p+[where relative paths start]:DIR:_files -/' \
        '(-p --prefix)--prefix=[where relative paths start]:DIR:_files -/' \
        '--json[print JSON for programs]' \
        '--profile=[by this profile of the CA]:NAME: ' \
        '--ttl=[good for so long: 12h, 30d]:TIME: ' \
        '--out=[keep key.pem, cert.pem and ca.pem there]:DIR:_files -/' \
        '--dir=[the CA'\''s folder (/var/lib/countersign/ca)]:DIR:_files -/' \
        '--passphrase-file=[its first line opens the CA'\''s keys]:FILE:_files' \
        '--key=[ec-p256 (default), ec-p384, ed25519, rsa-3072]:KIND: ' \
        '(-h --help)-h[say what the command does]' \
        '(-h --help)--help[say what the command does]' \
        '*:NAME...: ' ;;
    (sign) _arguments -S \
        '(-c --config)-c+[the configuration file]:FILE:_files' \
        '(-c --config)--config=[the configuration file]:FILE:_files' \
        '(-p --prefix)-p+[where relative paths start]:DIR:_files -/' \
        '(-p --prefix)--prefix=[where relative paths start]:DIR:_files -/' \
        '--json[print JSON for programs]' \
        '--profile=[by this profile of the CA]:NAME: ' \
        '--ttl=[good for so long: 12h, 30d]:TIME: ' \
        '--out=[keep key.pem, cert.pem and ca.pem there]:DIR:_files -/' \
        '--dir=[the CA'\''s folder (/var/lib/countersign/ca)]:DIR:_files -/' \
        '--passphrase-file=[its first line opens the CA'\''s keys]:FILE:_files' \
        '(-h --help)-h[say what the command does]' \
        '(-h --help)--help[say what the command does]' \
        '*:FILE [NAME...]:_files' ;;
    (renew) _arguments -S \
        '(-c --config)-c+[the configuration file]:FILE:_files' \
        '(-c --config)--config=[the configuration file]:FILE:_files' \
        '(-p --prefix)-p+[where relative paths start]:DIR:_files -/' \
        '(-p --prefix)--prefix=[where relative paths start]:DIR:_files -/' \
        '--json[print JSON for programs]' \
        '--ttl=[good for so long: 12h, 30d]:TIME: ' \
        '--dir=[the CA'\''s folder (/var/lib/countersign/ca)]:DIR:_files -/' \
        '--passphrase-file=[its first line opens the CA'\''s keys]:FILE:_files' \
        '(-h --help)-h[say what the command does]' \
        '(-h --help)--help[say what the command does]' \
        '1:DIR: ' ;;
    (revoke) _arguments -S \
        '(-c --config)-c+[the configuration file]:FILE:_files' \
        '(-c --config)--config=[the configuration file]:FILE:_files' \
        '(-p --prefix)-p+[where relative paths start]:DIR:_files -/' \
        '(-p --prefix)--prefix=[where relative paths start]:DIR:_files -/' \
        '--json[print JSON for programs]' \
        '--reason=[why: keyCompromise, superseded, ...]:REASON: ' \
        '--dir=[the CA'\''s folder (/var/lib/countersign/ca)]:DIR:_files -/' \
        '--passphrase-file=[its first line opens the CA'\''s keys]:FILE:_files' \
        '--identity=[those whose identity is like this: *.a.test]:GLOB: ' \
        '(-h --help)-h[say what the command does]' \
        '(-h --help)--help[say what the command does]' \
        '*:[SERIAL|FILE]...:_files' ;;
    (list) _arguments -S \
        '(-c --config)-c+[the configuration file]:FILE:_files' \
        '(-c --config)--config=[the configuration file]:FILE:_files' \
        '(-p --prefix)-p+[where relative paths start]:DIR:_files -/' \
        '(-p --prefix)--prefix=[where relative paths start]:DIR:_files -/' \
        '--json[print JSON for programs]' \
        '--profile=[by this profile of the CA]:NAME: ' \
        '--dir=[the CA'\''s folder (/var/lib/countersign/ca)]:DIR:_files -/' \
        '--identity=[those whose identity is like this: *.a.test]:GLOB: ' \
        '--expiring=[those that expire within: 7d]:TIME: ' \
        '--revoked[those that are revoked]' \
        '(-h --help)-h[say what the command does]' \
        '(-h --help)--help[say what the command does]' ;;
    (show) _arguments -S \
        '(-c --config)-c+[the configuration file]:FILE:_files' \
        '(-c --config)--config=[the configuration file]:FILE:_files' \
        '(-p --prefix)-p+[where relative paths start]:DIR:_files -/' \
        '(-p --prefix)--prefix=[where relative paths start]:DIR:_files -/' \
        '--json[print JSON for programs]' \
        '--dir=[the CA'\''s folder (/var/lib/countersign/ca)]:DIR:_files -/' \
        '(-h --help)-h[say what the command does]' \
        '(-h --help)--help[say what the command does]' \
        '1:[SERIAL|FILE]:_files' ;;
    (crl) _arguments -S \
        '(-c --config)-c+[the configuration file]:FILE:_files' \
        '(-c --config)--config=[the configuration file]:FILE:_files' \
        '(-p --prefix)-p+[where relative paths start]:DIR:_files -/' \
        '(-p --prefix)--prefix=[where relative paths start]:DIR:_files -/' \
        '--json[print JSON for programs]' \
        '--dir=[the CA'\''s folder (/var/lib/countersign/ca)]:DIR:_files -/' \
        '--passphrase-file=[its first line opens the CA'\''s keys]:FILE:_files' \
        '--issuer=[of this CA certificate; else the active issuer]:NUMBER: ' \
        '--shard=[only this part of the list]:NUMBER: ' \
        '(-h --help)-h[say what the command does]' \
        '(-h --help)--help[say what the command does]' \
        '1:[FILE]:_files' ;;
    (token) _arguments -S \
        '(-c --config)-c+[the configuration file]:FILE:_files' \
        '(-c --config)--config=[the configuration file]:FILE:_files' \
        '(-p --prefix)-p+[where relative paths start]:DIR:_files -/' \
        '(-p --prefix)--prefix=[where relative paths start]:DIR:_files -/' \
        '--json[print JSON for programs]' \
        '--profile=[by this profile of the CA]:NAME: ' \
        '--ttl=[good for so long: 12h, 30d]:TIME: ' \
        '--dir=[the CA'\''s folder (/var/lib/countersign/ca)]:DIR:_files -/' \
        '--passphrase-file=[its first line opens the CA'\''s keys]:FILE:_files' \
        '(-h --help)-h[say what the command does]' \
        '(-h --help)--help[say what the command does]' \
        '*:NAME...: ' ;;
    (profiles) _arguments -S \
        '(-c --config)-c+[the configuration file]:FILE:_files' \
        '(-c --config)--config=[the configuration file]:FILE:_files' \
        '(-p --prefix)-p+[where relative paths start]:DIR:_files -/' \
        '(-p --prefix)--prefix=[where relative paths start]:DIR:_files -/' \
        '--json[print JSON for programs]' \
        '--dir=[the CA'\''s folder (/var/lib/countersign/ca)]:DIR:_files -/' \
        '(-h --help)-h[say what the command does]' \
        '(-h --help)--help[say what the command does]' ;;
    (rotate) _arguments -S \
        '(-c --config)-c+[the configuration file]:FILE:_files' \
        '(-c --config)--config=[the configuration file]:FILE:_files' \
        '(-p --prefix)-p+[where relative paths start]:DIR:_files -/' \
        '(-p --prefix)--prefix=[where relative paths start]:DIR:_files -/' \
        '--json[print JSON for programs]' \
        '--ttl=[good for so long: 12h, 30d]:TIME: ' \
        '--dir=[the CA'\''s folder (/var/lib/countersign/ca)]:DIR:_files -/' \
        '--passphrase-file=[its first line opens the CA'\''s keys]:FILE:_files' \
        '--key=[ec-p256 (default), ec-p384, ed25519, rsa-3072]:KIND: ' \
        '--force[to retire: whoever it locks out]' \
        '(-h --help)-h[say what the command does]' \
        '(-h --help)--help[say what the command does]' \
        '*:issuer|root prepare|activate|needed|retire: ' ;;
    (backup) _arguments -S \
        '(-c --config)-c+[the configuration file]:FILE:_files' \
        '(-c --config)--config=[the configuration file]:FILE:_files' \
        '(-p --prefix)-p+[where relative paths start]:DIR:_files -/' \
        '(-p --prefix)--prefix=[where relative paths start]:DIR:_files -/' \
        '--json[print JSON for programs]' \
        '--dir=[the CA'\''s folder (/var/lib/countersign/ca)]:DIR:_files -/' \
        '--passphrase-file=[its first line opens the CA'\''s keys]:FILE:_files' \
        '(-h --help)-h[say what the command does]' \
        '(-h --help)--help[say what the command does]' \
        '1:DIR: ' ;;
    (restore) _arguments -S \
        '--json[print JSON for programs]' \
        '--dir=[the CA'\''s folder (/var/lib/countersign/ca)]:DIR:_files -/' \
        '--passphrase-file=[its first line opens the CA'\''s keys]:FILE:_files' \
        '(-h --help)-h[say what the command does]' \
        '(-h --help)--help[say what the command does]' \
        '*:DIR [FILE...]:_files' ;;
    (sweep) _arguments -S \
        '(-c --config)-c+[the configuration file]:FILE:_files' \
        '(-c --config)--config=[the configuration file]:FILE:_files' \
        '(-p --prefix)-p+[where relative paths start]:DIR:_files -/' \
        '(-p --prefix)--prefix=[where relative paths start]:DIR:_files -/' \
        '--json[print JSON for programs]' \
        '--dir=[the CA'\''s folder (/var/lib/countersign/ca)]:DIR:_files -/' \
        '--passphrase-file=[its first line opens the CA'\''s keys]:FILE:_files' \
        '(-h --help)-h[say what the command does]' \
        '(-h --help)--help[say what the command does]' ;;
    (serve) _arguments -S \
        '(-c --config)-c+[the configuration file]:FILE:_files' \
        '(-c --config)--config=[the configuration file]:FILE:_files' \
        '(-p --prefix)-p+[where relative paths start]:DIR:_files -/' \
        '(-p --prefix)--prefix=[where relative paths start]:DIR:_files -/' \
        '--listen=[be the server, there]:ADDR\:PORT: ' \
        '--dir=[the CA'\''s folder (/var/lib/countersign/ca)]:DIR:_files -/' \
        '--passphrase-file=[its first line opens the CA'\''s keys]:FILE:_files' \
        '--plain=[public documents there, without TLS]:ADDR\:PORT: ' \
        '--user=[as root: the account to become]:ACCOUNT: ' \
        '(-h --help)-h[say what the command does]' \
        '(-h --help)--help[say what the command does]' ;;
    (audit) _arguments -S \
        '(-c --config)-c+[the configuration file]:FILE:_files' \
        '(-c --config)--config=[the configuration file]:FILE:_files' \
        '(-p --prefix)-p+[where relative paths start]:DIR:_files -/' \
        '(-p --prefix)--prefix=[where relative paths start]:DIR:_files -/' \
        '--json[print JSON for programs]' \
        '--dir=[the CA'\''s folder (/var/lib/countersign/ca)]:DIR:_files -/' \
        '--passphrase-file=[its first line opens the CA'\''s keys]:FILE:_files' \
        '(-h --help)-h[say what the command does]' \
        '(-h --help)--help[say what the command does]' \
        '1:[verify]: ' ;;
    esac
}

_countersign()
{
    local -a names
    names=(
        'run:run the gateway'
        'check:check a configuration without running it'
        'reload:let a running gateway take up its changed configuration'
        'stop:stop a running gateway at once'
        'quit:stop a running gateway when its requests are done'
        'reopen:let a running gateway open its log files again'
        'status:show what a running gateway does and by which papers'
        'renew:let a running gateway renew its own certificates now'
        'revoke:revoke a certificate at a running gateway'
        'demo:show a mutual handshake, and five that are refused'
        'doctor:visit a TLS server and explain what happens'
        'inspect:show what is in certificates, keys, requests and CRLs'
        'explain:explain failures that were logged, or certificates'
        'enrol:get a certificate from an authority, and keep it fresh'
        'ca:the private CA\: make, issue, renew, revoke, list'
        'version:print the version and the TLS library'
        'help:say what the commands do')
    if (( CURRENT == 2 )); then
        _describe -t commands command names
        return
    fi
    shift words
    (( CURRENT-- ))
    case $words[1] in
    (run) _arguments -S \
        '(-c --config)-c+[the configuration file]:FILE:_files' \
        '(-c --config)--config=[the configuration file]:FILE:_files' \
        '(-p --prefix)-p+[where relative paths start]:DIR:_files -/' \
        '(-p --prefix)--prefix=[where relative paths start]:DIR:_files -/' \
        '(-g --global)-g+[main-level directives, read before the file]:DIRECTIVES: ' \
        '(-g --global)--global=[main-level directives, read before the file]:DIRECTIVES: ' \
        '(-e --error-log)-e+[the error log, unless the file names one]:FILE:_files' \
        '(-e --error-log)--error-log=[the error log, unless the file names one]:FILE:_files' \
        '(-h --help)-h[say what the command does]' \
        '(-h --help)--help[say what the command does]' ;;
    (check) _arguments -S \
        '(-c --config)-c+[the configuration file]:FILE:_files' \
        '(-c --config)--config=[the configuration file]:FILE:_files' \
        '(-p --prefix)-p+[where relative paths start]:DIR:_files -/' \
        '(-p --prefix)--prefix=[where relative paths start]:DIR:_files -/' \
        '(-g --global)-g+[main-level directives, read before the file]:DIRECTIVES: ' \
        '(-g --global)--global=[main-level directives, read before the file]:DIRECTIVES: ' \
        '--json[print JSON for programs]' \
        '(-h --help)-h[say what the command does]' \
        '(-h --help)--help[say what the command does]' ;;
    (reload) _arguments -S \
        '(-c --config)-c+[the configuration file]:FILE:_files' \
        '(-c --config)--config=[the configuration file]:FILE:_files' \
        '(-p --prefix)-p+[where relative paths start]:DIR:_files -/' \
        '(-p --prefix)--prefix=[where relative paths start]:DIR:_files -/' \
        '(-g --global)-g+[main-level directives, read before the file]:DIRECTIVES: ' \
        '(-g --global)--global=[main-level directives, read before the file]:DIRECTIVES: ' \
        '(-h --help)-h[say what the command does]' \
        '(-h --help)--help[say what the command does]' ;;
    (stop) _arguments -S \
        '(-c --config)-c+[the configuration file]:FILE:_files' \
        '(-c --config)--config=[the configuration file]:FILE:_files' \
        '(-p --prefix)-p+[where relative paths start]:DIR:_files -/' \
        '(-p --prefix)--prefix=[where relative paths start]:DIR:_files -/' \
        '(-g --global)-g+[main-level directives, read before the file]:DIRECTIVES: ' \
        '(-g --global)--global=[main-level directives, read before the file]:DIRECTIVES: ' \
        '(-h --help)-h[say what the command does]' \
        '(-h --help)--help[say what the command does]' ;;
    (quit) _arguments -S \
        '(-c --config)-c+[the configuration file]:FILE:_files' \
        '(-c --config)--config=[the configuration file]:FILE:_files' \
        '(-p --prefix)-p+[where relative paths start]:DIR:_files -/' \
        '(-p --prefix)--prefix=[where relative paths start]:DIR:_files -/' \
        '(-g --global)-g+[main-level directives, read before the file]:DIRECTIVES: ' \
        '(-g --global)--global=[main-level directives, read before the file]:DIRECTIVES: ' \
        '(-h --help)-h[say what the command does]' \
        '(-h --help)--help[say what the command does]' ;;
    (reopen) _arguments -S \
        '(-c --config)-c+[the configuration file]:FILE:_files' \
        '(-c --config)--config=[the configuration file]:FILE:_files' \
        '(-p --prefix)-p+[where relative paths start]:DIR:_files -/' \
        '(-p --prefix)--prefix=[where relative paths start]:DIR:_files -/' \
        '(-g --global)-g+[main-level directives, read before the file]:DIRECTIVES: ' \
        '(-g --global)--global=[main-level directives, read before the file]:DIRECTIVES: ' \
        '(-h --help)-h[say what the command does]' \
        '(-h --help)--help[say what the command does]' ;;
    (status) _arguments -S \
        '(-c --config)-c+[the configuration file]:FILE:_files' \
        '(-c --config)--config=[the configuration file]:FILE:_files' \
        '(-p --prefix)-p+[where relative paths start]:DIR:_files -/' \
        '(-p --prefix)--prefix=[where relative paths start]:DIR:_files -/' \
        '(-g --global)-g+[main-level directives, read before the file]:DIRECTIVES: ' \
        '(-g --global)--global=[main-level directives, read before the file]:DIRECTIVES: ' \
        '--json[print JSON for programs]' \
        '(-h --help)-h[say what the command does]' \
        '(-h --help)--help[say what the command does]' ;;
    (renew) _arguments -S \
        '(-c --config)-c+[the configuration file]:FILE:_files' \
        '(-c --config)--config=[the configuration file]:FILE:_files' \
        '(-p --prefix)-p+[where relative paths start]:DIR:_files -/' \
        '(-p --prefix)--prefix=[where relative paths start]:DIR:_files -/' \
        '(-g --global)-g+[main-level directives, read before the file]:DIRECTIVES: ' \
        '(-g --global)--global=[main-level directives, read before the file]:DIRECTIVES: ' \
        '--json[print JSON for programs]' \
        '(-h --help)-h[say what the command does]' \
        '(-h --help)--help[say what the command does]' \
        '1:[NAME]: ' ;;
    (revoke) _arguments -S \
        '(-c --config)-c+[the configuration file]:FILE:_files' \
        '(-c --config)--config=[the configuration file]:FILE:_files' \
        '(-p --prefix)-p+[where relative paths start]:DIR:_files -/' \
        '(-p --prefix)--prefix=[where relative paths start]:DIR:_files -/' \
        '(-g --global)-g+[main-level directives, read before the file]:DIRECTIVES: ' \
        '(-g --global)--global=[main-level directives, read before the file]:DIRECTIVES: ' \
        '--json[print JSON for programs]' \
        '--now[at the running gateway, at once]' \
        '--issuer=[the CA that issued the serial number]:FILE:_files' \
        '--reason=[why: keyCompromise, superseded, ...]:REASON: ' \
        '(-h --help)-h[say what the command does]' \
        '(-h --help)--help[say what the command does]' \
        '1:FILE|SERIAL:_files' ;;
    (demo) _arguments -S \
        '--once[end after the first round; exit 0 if all went well]' \
        '(-h --help)-h[say what the command does]' \
        '(-h --help)--help[say what the command does]' ;;
    (doctor) _arguments -S \
        '--json[print JSON for programs]' \
        '--once[end after the first round; exit 0 if all went well]' \
        '--at=[judge as of then: 2027-01-31, +30d, @SECONDS]:TIME: ' \
        '--cert=[present this certificate, its chain behind it]:FILE:_files' \
        '--key=[its private key, unless it is in the same file]:FILE:_files' \
        '--ca=[trust these CAs, and not the system'\''s]:FILE:_files' \
        '--sni=[ask for this server; "" sends no name]:NAME: ' \
        '--host=[the Host to ask for; the name or address looked for]:NAME: ' \
        '--port=[of a capture, only what has this port]:NUMBER: ' \
        '--alpn=[offer these protocols: h2,http/1.1; "" for none]:LIST: ' \
        '--starttls=[begin in smtp, imap, ldap, postgres, ...]:PROTOCOL: ' \
        '--proxy-protocol[begin with a PROXY header]' \
        '--timeout=[wait so long for each step (10)]:SECONDS: ' \
        '--time-source=[ask this time server about the clock]:HOST: ' \
        '--compare[try again with one thing changed at a time]' \
        '--listen=[be the server, there]:ADDR\:PORT: ' \
        '--client-ca=[with --listen: the CAs of its clients]:FILE:_files' \
        '--crl=[and hold them against these revocation lists]:FILE:_files' \
        '--pin=[a key of its chain has to be this one; repeatable]:PIN: ' \
        '--ocsp[ask its OCSP responder whether it is revoked]' \
        '(-h --help)-h[say what the command does]' \
        '(-h --help)--help[say what the command does]' \
        '1:[HOST\:PORT|FILE]:_files' ;;
    (inspect) _arguments -S \
        '--json[print JSON for programs]' \
        '--at=[judge as of then: 2027-01-31, +30d, @SECONDS]:TIME: ' \
        '--for=[also ask what a client, server or ca has to have]:ROLE:(client server ca)' \
        '(-h --help)-h[say what the command does]' \
        '(-h --help)--help[say what the command does]' \
        '*:FILE|HOST\:PORT...:_files' ;;
    (explain) _arguments -S \
        '--json[print JSON for programs]' \
        '--at=[judge as of then: 2027-01-31, +30d, @SECONDS]:TIME: ' \
        '--host=[the Host to ask for; the name or address looked for]:NAME: ' \
        '--chain=[judge these certificates, the leaf first]:FILE:_files' \
        '--trust=[by these CA certificates]:FILE:_files' \
        '--crl=[and hold them against these revocation lists]:FILE:_files' \
        '--as=[as those of a client (default) or server]:ROLE:(client server ca)' \
        '--depth=[with at most so many intermediates; default 1]:N: ' \
        '(-h --help)-h[say what the command does]' \
        '(-h --help)--help[say what the command does]' \
        '1:[FILE]:_files' ;;
    (enrol) _arguments -S \
        '--json[print JSON for programs]' \
        '--once[end after the first round; exit 0 if all went well]' \
        '--timeout=[wait so long for each step (10)]:SECONDS: ' \
        '--ca=[ask this authority: https://HOST:PORT]:URL: ' \
        '--fingerprint=[trust the root with this one, no other]:SHA256: ' \
        '--token=[the join token (others can see it in ps)]:TOKEN: ' \
        '--token-file=[read the join token from there when needed]:FILE:_files' \
        '--identity=[for spiffe://..., dns:..., commas between them]:NAMES: ' \
        '--profile=[by this profile of the CA]:NAME: ' \
        '--ttl=[good for so long: 12h, 30d]:TIME: ' \
        '--key-type=[ec-p256 (default), ec-p384, ed25519, rsa-3072 ...]:KIND: ' \
        '--out=[keep key.pem, cert.pem and ca.pem there]:DIR:_files -/' \
        '--watch[stay, and renew in time]' \
        '--renew[renew now, although it is not due]' \
        '--reload-cmd=[run this (/bin/sh) when there is a new one]:CMD: ' \
        '(-h --help)-h[say what the command does]' \
        '(-h --help)--help[say what the command does]' ;;
    (ca) _countersign_ca ;;
    (version) _arguments -S \
        '(-h --help)-h[say what the command does]' \
        '(-h --help)--help[say what the command does]' ;;
    (help) _arguments -S \
        '(-h --help)-h[say what the command does]' \
        '(-h --help)--help[say what the command does]' \
        '1:COMMAND:(run check reload stop quit reopen status renew revoke demo doctor inspect explain enrol ca version help)' ;;
    esac
}

if [[ $funcstack[1] = _countersign ]]; then
    _countersign "$@"
else
    compdef _countersign countersign
fi
