# bash completion for countersign, printed by
# `countersign help --completion bash`
_countersign()
{
    local word=${COMP_WORDS[COMP_CWORD]} words
    case ${COMP_WORDS[COMP_CWORD-1]} in
        --config|-c|--error-log|-e|--cert|--key|--ca|--client-ca|--chain|--trust|--crl|--issuer|--token-file|--passphrase-file) COMPREPLY=($(compgen -f -- "$word")); return ;;
        --prefix|-p|--out|--dir) COMPREPLY=($(compgen -d -- "$word")); return ;;
        --global|-g|--at|--sni|--host|--port|--alpn|--starttls|--timeout|--time-source|--listen|--pin|--depth|--reason|--ca|--fingerprint|--token|--identity|--profile|--ttl|--key-type|--reload-cmd|--name|--domain|--root-ttl|--issuer-ttl|--key|--url|--identity|--expiring|--issuer|--shard|--plain|--user) return ;;
        --for|--as) COMPREPLY=($(compgen -W "client server ca" -- "$word")); return ;;
    esac
    words="run check reload stop quit reopen status renew revoke demo doctor inspect explain enrol ca version help"
    if [ "$COMP_CWORD" -gt 1 ]; then
        case ${COMP_WORDS[1]} in
            run) words=" --config -c --prefix -p --global -g --error-log -e --help -h" ;;
            check) words=" --config -c --prefix -p --global -g --json --help -h" ;;
            reload) words=" --config -c --prefix -p --global -g --help -h" ;;
            stop) words=" --config -c --prefix -p --global -g --help -h" ;;
            quit) words=" --config -c --prefix -p --global -g --help -h" ;;
            reopen) words=" --config -c --prefix -p --global -g --help -h" ;;
            status) words=" --config -c --prefix -p --global -g --json --help -h" ;;
            renew) words=" --config -c --prefix -p --global -g --json --help -h" ;;
            revoke) words=" --config -c --prefix -p --global -g --json --now --issuer --reason --help -h"; COMPREPLY=($(compgen -f -- "$word")) ;;
            demo) words=" --once --help -h" ;;
            doctor) words=" --json --once --at --cert --key --ca --sni --host --port --alpn --starttls --proxy-protocol --timeout --time-source --compare --listen --client-ca --crl --pin --ocsp --help -h"; COMPREPLY=($(compgen -f -- "$word")) ;;
            inspect) words=" --json --at --for --help -h"; COMPREPLY=($(compgen -f -- "$word")) ;;
            explain) words=" --json --at --host --chain --trust --crl --as --depth --help -h"; COMPREPLY=($(compgen -f -- "$word")) ;;
            enrol) words=" --json --once --timeout --ca --fingerprint --token --token-file --identity --profile --ttl --key-type --out --watch --renew --reload-cmd --help -h" ;;
            ca) words="init issue sign renew revoke list show crl token profiles rotate backup restore sweep serve audit"
                if [ "$COMP_CWORD" -gt 2 ]; then
                    case ${COMP_WORDS[2]} in
                        init) words=" --json --dir --passphrase-file --name --domain --root-ttl --issuer-ttl --key --url --help -h" ;;
                        issue) words=" --config -c --prefix -p --json --profile --ttl --out --dir --passphrase-file --key --help -h" ;;
                        sign) words=" --config -c --prefix -p --json --profile --ttl --out --dir --passphrase-file --help -h"; COMPREPLY=($(compgen -f -- "$word")) ;;
                        renew) words=" --config -c --prefix -p --json --ttl --dir --passphrase-file --help -h" ;;
                        revoke) words=" --config -c --prefix -p --json --reason --dir --passphrase-file --identity --help -h"; COMPREPLY=($(compgen -f -- "$word")) ;;
                        list) words=" --config -c --prefix -p --json --profile --dir --identity --expiring --revoked --help -h" ;;
                        show) words=" --config -c --prefix -p --json --dir --help -h"; COMPREPLY=($(compgen -f -- "$word")) ;;
                        crl) words=" --config -c --prefix -p --json --dir --passphrase-file --issuer --shard --help -h"; COMPREPLY=($(compgen -f -- "$word")) ;;
                        token) words=" --config -c --prefix -p --json --profile --ttl --dir --passphrase-file --help -h" ;;
                        profiles) words=" --config -c --prefix -p --json --dir --help -h" ;;
                        rotate) words=" --config -c --prefix -p --json --ttl --dir --passphrase-file --key --force --help -h" ;;
                        backup) words=" --config -c --prefix -p --json --dir --passphrase-file --help -h" ;;
                        restore) words=" --json --dir --passphrase-file --help -h"; COMPREPLY=($(compgen -f -- "$word")) ;;
                        sweep) words=" --config -c --prefix -p --json --dir --passphrase-file --help -h" ;;
                        serve) words=" --config -c --prefix -p --listen --dir --passphrase-file --plain --user --help -h" ;;
                        audit) words=" --config -c --prefix -p --json --dir --passphrase-file --help -h" ;;
                    esac
                fi ;;
            version) words=" --help -h" ;;
            help) ;;
            *) words= ;;
        esac
    fi
    COMPREPLY+=($(compgen -W "$words" -- "$word"))
}
complete -o filenames -F _countersign countersign
