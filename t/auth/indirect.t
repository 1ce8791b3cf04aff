# SPDX-License-Identifier: Apache-2.0

# No indirect path grants a request that the direct path refuses.  For a table
# of policies, with Basic and with tokens, each caller tries the direct path and
# then the indirect ones: a mount with and without "from", a tag in ?tag=, a
# tag that is deleted with its manifest, the catalog, and a token's scopes.  Referrers have only their own path.

use OCI::Test;
use OCI::Auth;
use JSON::PP ();

my @CALLERS = qw(anonymous reader writer admin);
my @SOURCES = qw(team-a/x private/x reader/x);

# Nearly every policy also grants this: a repository to mount to.
my $MINE = 'Require oci * mine/**';

# A name; lines in <Location "/v2/">, before it, and after it.
my @POLICIES = (
    [ 'open', 'Require all granted' ],
    [ 'groups', OCI::Auth::policy(1, sub { "Require user @_" }) ],
    [ 'not, beside all granted', all('Require all granted',
        'Require not oci * private/**') ],
    [ 'not pull', all(any('Require oci pull **', $MINE),
        'Require not oci pull private/**') ],
    [ 'not, for each user', all('Require all granted',
        'Require not oci * %{REMOTE_USER}/**') ],
    [ 'not, for each user who is known', all('Require valid-user',
        'Require not oci * %{REMOTE_USER}/**') ],
    [ 'not push', all('Require all granted',
        'Require not oci push,delete private/**') ],
    [ 'not user', all('Require all granted', any(
        all('Require all granted', 'Require not oci * private/**'),
        all('Require valid-user', 'Require not user reader'))) ],
    [ 'None', all('Require all granted', none('Require oci * private/**')) ],
    [ 'None of some', all('Require all granted', none(
        'Require oci push,delete **/x', 'Require oci pull private/**')) ],
    [ 'None, for a user', all('Require all granted', none(
        all('Require user reader', 'Require oci * private/**'))) ],
    [ 'None, an expression', all('Require valid-user', none(
        'Require oci pull %{tolower:%{REMOTE_USER}}/**')) ],
    [ 'nested', any(all('Require oci pull **', 'Require not oci * private/**'),
        all('Require user admin', 'Require oci * **'), $MINE) ],
    [ 'Satisfy Any, an address', any('Require oci pull team-a/**', $MINE),
        '', '', 'Satisfy Any', 'Order deny,allow', 'Deny from all' ],
    [ 'Satisfy Any, a variable', $MINE,
        'SetEnvIf Request_URI "^/v2/team-a/" team_a', '', 'Satisfy Any',
        'Order allow,deny', 'Allow from env=team_a' ],
    [ 'Satisfy All, a variable', 'Require all granted',
        'SetEnvIf Request_URI "^/v2/private/" private', '', 'Satisfy All',
        'Order allow,deny', 'Allow from all', 'Deny from env=private' ],
    [ 'Limit', "<Limit GET HEAD>\n" . any('Require oci pull team-a/**', $MINE)
        . "</Limit>\n<LimitExcept GET HEAD>\nRequire all granted\n</LimitExcept>" ],
    [ 'LimitExcept', "<LimitExcept GET HEAD POST PATCH>\nRequire user admin\n"
        . "</LimitExcept>\n<Limit GET HEAD POST PATCH>\nRequire all granted\n"
        . '</Limit>' ],
    [ 'method', any('Require method POST', 'Require oci * mine/**',
        'Require oci pull team-a/**') ],
    [ 'env of the URL', any('Require env team_a', $MINE),
        'SetEnvIf Request_URI "^/v2/team-a/" team_a' ],
    [ 'env of the URL, in the Location', any('Require env team_a', $MINE), '', '',
        'SetEnvIf Request_URI "^/v2/team-a/" team_a' ],
    [ 'env of the method', any('Require env writes', $MINE),
        'SetEnvIf Request_Method "^P" writes' ],
    [ 'no env', all('Require all granted', none('Require env release')),
        'SetEnvIf Request_URI "/manifests/v1$" release' ],
    [ 'no env of the mount', all('Require all granted',
        none('Require env private')),
        'SetEnvIf Request_URI "^/v2/private/" private' ],
    [ 'LocationMatch of blobs', 'Require all granted', '',
        section('LocationMatch', '^/v2/private/x/blobs/sha256',
            'Require all denied') ],
    [ 'LocationMatch of blobs, for a user', 'Require all granted', '',
        section('LocationMatch', '^/v2/private/x/blobs/sha', login(),
            'Require user admin') ],
    [ 'LocationMatch of manifests', 'Require all granted', '',
        section('LocationMatch', '^/v2/private/x/manifests/',
            'Require all denied') ],
    [ 'LocationMatch of a tag', 'Require all granted', '',
        section('LocationMatch', '/manifests/v1$', login(),
            "<LimitExcept GET HEAD>\nRequire user admin\n</LimitExcept>") ],
    [ 'LocationMatch of deletions of a tag', 'Require all granted', '',
        section('LocationMatch', '/manifests/v1$',
            "<Limit DELETE>\nRequire all denied\n</Limit>") ],
    [ 'If, of deletions of a tag', 'Require all granted', '',
        "<If \"%{REQUEST_METHOD} == 'DELETE' && %{REQUEST_URI} =~ m#/other\$#\">"
        . "\nRequire all denied\n</If>" ],
    [ 'rewrite, of deletions of a tag', 'Require all granted', join "\n",
        'RewriteEngine On', 'RewriteCond %{REQUEST_METHOD} =DELETE',
        'RewriteRule /manifests/v1$ - [F]' ],
    [ 'expr, of deletions of a tag', any(q(Require expr "reqenv('OCI_ACTION') )
        . q(!= 'delete' || reqenv('OCI_REFERENCE') != 'v1'")) ],
    [ 'Location of a user', 'Require all granted', '',
        section('Location', '/v2/private/', login(), 'Require user admin') ],
    [ 'AuthMerging And', 'Require all granted', '',
        section('Location', '/v2/private/', 'AuthMerging And',
            all('Require all granted', 'Require not oci pull **')) ],
    [ 'If', 'Require all granted', '',
        "<If \"%{REQUEST_URI} =~ m#^/v2/private/#\">\nRequire all denied\n</If>" ],
    [ 'If, of the method', 'Require all granted', '',
        "<If \"%{REQUEST_METHOD} == 'GET' && %{REQUEST_URI} =~ m#/blobs/sha#\">\n"
        . "Require all denied\n</If>" ],
    [ 'rewrite', 'Require all granted',
        "RewriteEngine On\nRewriteRule ^/v2/private/ - [F]" ],
    [ 'rewrite, of the request line', 'Require all granted', join "\n",
        'RewriteEngine On', 'RewriteCond %{THE_REQUEST} "^[A-Z]+ /v2/private/"',
        'RewriteRule ^ - [F]' ],
    [ 'rewrite, not of sub-requests', 'Require all granted',
        "RewriteEngine On\nRewriteRule ^/v2/private/ - [F,NS]" ],
    [ 'rewrite, of the protocol', 'Require all granted', join "\n",
        'RewriteEngine On', 'RewriteCond %{SERVER_PROTOCOL} ^HTTP/',
        'RewriteCond %{IS_SUBREQ} false', 'RewriteRule ^/v2/private/ - [F]' ],
    [ 'rewrite, of a variable', 'Require all granted', join "\n",
        'SetEnvIf Request_URI "^/v2/(mine|team-a|token|_catalog|$)" fine',
        'RewriteEngine On', 'RewriteCond %{REQUEST_URI} "^/v2/[a-z]"',
        'RewriteCond %{ENV:fine} ^$', 'RewriteRule ^ - [F]' ],
    [ 'Redirect', 'Require all granted', 'Redirect 403 /v2/private/' ],
    [ 'expr', any(q(Require expr "%{REQUEST_URI} !~ m#/private/#")) ],
    [ 'expr, of the request line',
        q(Require expr "%{THE_REQUEST} !~ m#/private/#") ],
    [ 'expr, of the user', any($MINE,
        q(Require expr "%{REMOTE_USER} in {'writer', 'admin'}")) ],
    [ 'an address', all('Require ip 127', 'Require not oci * private/**') ],
    [ 'a pattern', 'Require all granted', '', '',
        'OCIRepositoryPattern "(mine|team-a|reader)/.*"' ],
);

sub block { my $name = shift; return join "\n", "<$name>", @_, "</$name>\n" }
sub all   { return block('RequireAll',  @_) }
sub any   { return block('RequireAny',  @_) }
sub none  { return block('RequireNone', @_) }
sub login { return OCI::Auth::file_login() }

sub section {
    my ($kind, $path, @lines) = @_;
    return join "\n", "<$kind \"$path\">", @lines, "</$kind>";
}

# A separate virtual host for each policy and mode, with one store.
sub host {
    my ($port, $mode, $policy) = @_;
    my ($name, $require, $before, $after, @more) = @$policy;
    my $token = $mode eq 'tokens' ? OCI::Auth::token_endpoint(login(), 1) : '';
    my $login = $mode eq 'tokens' ? '' : login();
    return <<"END";
<VirtualHost *:\@PORT$port\@>
$token
@{[ $before // '' ]}
<Location "/v2/">
@{[ join "\n", $login, @more, $require ]}
</Location>
@{[ $after // '' ]}
</VirtualHost>
END
}

my @hosts;
for my $mode ('Basic', 'tokens') {
    for (@POLICIES) {
        push @hosts, { mode => $mode, policy => $_, port => @hosts + 2 };
    }
}
my $server = OCI::Server->start(
    ports   => 1 + @hosts,
    modules => [qw(auth_basic authn_core authn_file authz_user authz_host
                   access_compat setenvif rewrite alias)],
    config  => "Require all granted\nOCISync Off",
    after   => join '', map { host($_->{port}, $_->{mode}, $_->{policy}) } @hosts);
$server->allows(qr/AH01614|AH01617|AH01618|AH01630|AH01631|AH01797|AH01629/);
OCI::Auth::passwords($server);
my $open = OCI::Client->new($server);
my %image = map { $_ => $open->push_image($_, 'v1', layers => ["layer of $_"]) }
    @SOURCES;
my %blob = map { $_ => digest_of("layer of $_") } @SOURCES;

# A client for a caller at one of the hosts.
sub caller_at {
    my ($host, $name) = @_;
    my $self = OCI::Auth->new($server, $name);
    $self->{client} = OCI::Client->new($server->host($host->{port}));
    $self->{server} = { extra => $host->{mode} eq 'tokens' ? 'OCIToken On' : '' };
    return $self;
}

# Whether the policy allowed a request.
sub passes {
    my $res = shift->request(@_);
    return $res->status !~ /^(?:40[013]|3..)$/;
}

# Try each indirect path; return what it grants although the direct path does
# not.
sub ways {
    my ($caller, $refused) = @_;
    my @wrong;
    my $can = sub {
        my ($method, $path, @more) = @_;
        my $passes = passes($caller, $method, $path, @more);
        $$refused ||= !$passes;
        return $passes;
    };
    my $json = { 'Content-Type' => 'application/vnd.oci.image.manifest.v1+json' };

    for my $source (@SOURCES) {
        my $digest = $blob{$source};
        my $pull = $can->(GET => "/v2/$source/blobs/$digest");
        for my $from ("&from=$source", '') {
            my $status = $caller->request(POST =>
                "/v2/mine/x/blobs/uploads/?mount=$digest$from")->status;
            push @wrong, "mount of $source$from" if $status == 201 && !$pull;
            $open->delete("/v2/mine/x/blobs/$digest") if $status == 201;
        }
        my $image = $image{$source};
        for my $tag (qw(v1 other)) {
            my $status = $caller->request(PUT => "/v2/$source/manifests/"
                . "$image->{digest}?tag=$tag", $json, $image->{text})->status;
            my $push = $can->(PUT => "/v2/$source/manifests/$tag", $json,
                $image->{text});
            push @wrong, "?tag=$tag at $source" if $status == 201 && !$push;
        }
        $open->push_manifest($source, $_, $image->{text}) for qw(v1 other);
        my $path = "/v2/$source/manifests";
        my $deleted = $caller->request(DELETE => "$path/$image->{digest}")->status;
        $open->push_manifest($source, $_, $image->{text}) for qw(v1 other);
        for my $tag (qw(v1 other)) {
            my $delete = $can->(DELETE => "$path/$tag");
            push @wrong, "deletion of $tag at $source by its digest"
                if $deleted == 202 && !$delete;
        }
        $open->push_manifest($source, 'v1', $image->{text});
    }
    my $res = $caller->request(GET => '/v2/_catalog');
    for my $name ($res->status == 200 ? @{ $res->json->{repositories} } : ()) {
        push @wrong, "$name in the catalog"
            if !$can->(GET => "/v2/$name/manifests/latest")
            && !$can->(GET => "/v2/$name/tags/list");
    }
    push @wrong, scopes($caller, $can) if $caller->{server}{extra};
    return @wrong;
}

my %DIRECT = (pull => [ GET => 'manifests/latest' ],
    push => [ POST => 'blobs/uploads/' ], delete => [ DELETE => 'manifests/latest' ]);

# Return what a token grants although its caller may not do it.
sub scopes {
    my ($caller, $can) = @_;
    my @wrong;
    my $token = $caller->token_for(map { "repository:$_:pull,push,delete" }
        @SOURCES);
    for my $access (@{ (OCI::Auth::claims($token))[1]{access} }) {
        for my $action (grep { $_ ne '*' } @{ $access->{actions} }) {
            my ($method, $path) = @{ $DIRECT{$action} };
            push @wrong, "a token to $action $access->{name}"
                if !$can->($method => "/v2/$access->{name}/$path");
        }
    }
    return @wrong;
}

for my $host (@hosts) {
    my $name = "$host->{mode}: $host->{policy}[0]";
    my ($refused, @wrong);
    for my $who (@CALLERS) {
        push @wrong, map { "$who: $_" } ways(caller_at($host, $who), \$refused);
    }
    is(join(', ', @wrong), '', $name);
    ok($refused, 'which refuses something') if $host->{policy}[0] ne 'open';
}
note(scalar @POLICIES, ' policies, with Basic and with tokens: ',
    join '; ', map { $_->[0] } @POLICIES);

$server->stop;
done_testing;
